//===- MutateText.cpp - mutations of MLIR's text --------------------------===//
#include "Mutators.h"

#include <cctype>
#include <cstdlib>
#include <vector>

namespace dyadic::fuzz {
namespace {
enum class Kind { Number, Word, Line, Other };

struct Token {
  Kind kind;
  std::string text;
};
} // namespace

static bool isWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
}

/// The text in pieces, whose concatenation it is. The digits of 4x8xi8 are
/// numbers.
static std::vector<Token> split(const std::string &text) {
  std::vector<Token> tokens;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    Kind kind = Kind::Other;
    if (std::isdigit(static_cast<unsigned char>(text[at]))) {
      kind = Kind::Number;
      while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])))
        ++at;
    } else if (isWord(text[at]) && text[at] != 'x') {
      kind = Kind::Word;
      while (at < text.size() && isWord(text[at]))
        ++at;
    } else {
      kind = text[at] == '\n' ? Kind::Line : Kind::Other;
      ++at;
    }
    tokens.push_back({kind, text.substr(begin, at - begin)});
  }
  return tokens;
}

/// The place of a token of the kind, or the number of tokens.
static size_t pick(const std::vector<Token> &tokens, Kind kind,
                   std::mt19937 &random) {
  std::vector<size_t> places;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i].kind == kind)
      places.push_back(i);
  return places.empty() ? tokens.size() : places[random() % places.size()];
}

static void mutate(std::vector<Token> &tokens, const std::vector<Token> &donors,
                   std::mt19937 &random) {
  unsigned what = random() % 8;
  Kind kind = what < 4 ? Kind::Number : what < 7 ? Kind::Word : Kind::Line;
  size_t at = pick(tokens, kind, random);
  if (at == tokens.size())
    return;
  if (kind == Kind::Number) {
    int64_t number = std::strtoll(tokens[at].text.c_str(), nullptr, 10);
    tokens[at].text = std::to_string(notableNumber(number, random));
    return;
  }
  if (kind == Kind::Word) {
    size_t from = pick(donors, kind, random);
    if (from < donors.size())
      tokens[at] = donors[from];
    return;
  }
  size_t end = at + 1;
  while (end < tokens.size() && tokens[end].kind != Kind::Line)
    ++end;
  std::vector<Token> line(tokens.begin() + at, tokens.begin() + end);
  if (random() % 2)
    tokens.erase(tokens.begin() + at, tokens.begin() + end);
  else
    tokens.insert(tokens.begin() + at, line.begin(), line.end());
}

std::string mutateText(const std::string &text, const std::string &partner,
                       std::mt19937 &random) {
  std::vector<Token> tokens = split(text), donors = split(partner);
  for (unsigned count = 1 + random() % 4; count; --count)
    mutate(tokens, donors, random);
  std::string result;
  for (const Token &token : tokens)
    result += token.text;
  return result;
}

} // namespace dyadic::fuzz

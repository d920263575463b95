//===- MutateMessage.cpp - mutations of protobuf messages -----------------===//
//
// By the wire format alone, without a schema: a length-delimited field whose bytes parse as fields
// is taken for a message. A flipped byte mostly breaks the lengths around it and
// tests no more than the parser; this gets behind it.
//
//===----------------------------------------------------------------------===//
#include "Mutators.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace dyadic::fuzz {
namespace {
enum Wire : unsigned { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// One field: its number and wire type, and a number or bytes.
struct Field {
  uint64_t tag = 0, number = 0;
  std::string bytes;
  Wire wire() const { return static_cast<Wire>(tag & 7); }
};
using Fields = std::vector<Field>;
} // namespace

static bool readVarint(const std::string &text, size_t &at, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && at < text.size(); shift += 7) {
    auto byte = static_cast<unsigned char>(text[at++]);
    value |= uint64_t{byte & 127u} << shift;
    if (byte < 128)
      return true;
  }
  return false;
}

static void writeVarint(std::string &text, uint64_t value) {
  for (; value >= 128; value >>= 7)
    text += static_cast<char>(value | 128);
  text += static_cast<char>(value);
}

static std::optional<Fields> parse(const std::string &text) {
  Fields fields;
  for (size_t at = 0; at < text.size();) {
    Field &field = fields.emplace_back();
    if (!readVarint(text, at, field.tag) || field.tag < 8)
      return std::nullopt;
    uint64_t size = 0;
    switch (field.wire()) {
    case Varint:
      if (!readVarint(text, at, field.number))
        return std::nullopt;
      continue;
    case Fixed64:
      size = 8;
      break;
    case Fixed32:
      size = 4;
      break;
    case Bytes:
      if (!readVarint(text, at, size))
        return std::nullopt;
      break;
    default:
      return std::nullopt;
    }
    if (size > text.size() - at)
      return std::nullopt;
    field.bytes = text.substr(at, size);
    at += size;
  }
  return fields;
}

static std::string print(const Fields &fields) {
  std::string text;
  for (const Field &field : fields) {
    writeVarint(text, field.tag);
    if (field.wire() == Varint)
      writeVarint(text, field.number);
    if (field.wire() == Bytes)
      writeVarint(text, field.bytes.size());
    text += field.bytes;
  }
  return text;
}

/// Every field with the tag, however deep.
static void collect(const Fields &fields, uint64_t tag, Fields &found) {
  for (const Field &field : fields) {
    if (field.tag == tag)
      found.push_back(field);
    if (field.wire() == Bytes)
      if (auto inside = parse(field.bytes))
        collect(*inside, tag, found);
  }
}

static void mutate(Fields &fields, const Fields &donors, std::mt19937 &random) {
  if (fields.empty())
    return;
  size_t i = random() % fields.size();
  Field &field = fields[i];
  unsigned what = random() % 16;
  if (what == 0) {
    fields.erase(fields.begin() + i);
    return;
  }
  if (what == 1) {
    Field copy = field;
    fields.insert(fields.begin() + random() % (fields.size() + 1), copy);
    return;
  }
  if (what <= 3) {
    Fields found;
    collect(donors, field.tag, found);
    if (!found.empty())
      field = found[random() % found.size()];
    return;
  }
  if (field.wire() == Varint) {
    field.number = static_cast<uint64_t>(
        notableNumber(static_cast<int64_t>(field.number), random));
    return;
  }
  // Short ones are names mostly, which parse as messages by chance only.
  auto inside = field.wire() == Bytes ? parse(field.bytes) : std::nullopt;
  if (inside && !inside->empty() && what <= 14) {
    mutate(*inside, donors, random);
    field.bytes = print(*inside);
  } else if (!field.bytes.empty()) {
    field.bytes[random() % field.bytes.size()] = static_cast<char>(random());
  }
}

std::string mutateMessage(const std::string &message, const std::string &partner,
                          std::mt19937 &random) {
  auto fields = parse(message), donors = parse(partner);
  if (!fields)
    return message;
  for (unsigned count = 1 + random() % 4; count; --count)
    mutate(*fields, donors ? *donors : *fields, random);
  return print(*fields);
}

} // namespace dyadic::fuzz

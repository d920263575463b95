//===- Agreement.cpp ------------------------------------------------------===//
#include "dyadic/Pipeline/Agreement.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dyadic {

llvm::SmallVector<int64_t> argmaxOfRows(const HostTensor &tensor) {
  int64_t length = 1;
  if (llvm::count_if(tensor.shape, [](int64_t extent) { return extent > 1; }) > 2)
    return {};
  for (int64_t extent : llvm::reverse(tensor.shape))
    if (extent > 1) {
      length = extent;
      break;
    }
  auto values = tensor.as<float>();
  llvm::SmallVector<int64_t> places;
  for (size_t row = 0; row < values.size(); row += length) {
    auto begin = values.begin() + row;
    places.push_back(std::max_element(begin, begin + length) - begin);
  }
  return places;
}

void Agreement::add(const HostTensor &expected, const HostTensor &got) {
  auto x = expected.as<float>(), y = got.as<float>();
  for (size_t i = 0; i < x.size(); ++i) {
    double difference = double(y[i]) - x[i];
    signal += double(x[i]) * x[i];
    gotNorm += double(y[i]) * y[i];
    dot += double(x[i]) * y[i];
    noise += difference * difference;
    largest = std::max(largest, std::abs(difference));
  }
  auto rowsX = argmaxOfRows(expected), rowsY = argmaxOfRows(got);
  numRows += rowsX.size();
  for (size_t i = 0; i < rowsX.size(); ++i)
    equalRows += rowsX[i] == rowsY[i];
}

double Agreement::sqnr() const {
  if (noise == 0)
    return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

double Agreement::cosine() const {
  double norms = std::sqrt(signal) * std::sqrt(gotNorm);
  return norms == 0 ? (signal == gotNorm ? 1 : 0) : dot / norms;
}

double Agreement::argmaxAgreement() const {
  return numRows ? double(equalRows) / numRows : 1;
}

} // namespace dyadic

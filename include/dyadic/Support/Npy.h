//===- Npy.h - NumPy's .npy and .npz files ----------------------*- C++ -*-===//
//
// Arrays are read sample by sample: index i of the first dimension, without
// holding the others. Nothing is allocated that the file's own size doesn't
// vouch for. Little-endian element types that HostTensor knows; C and Fortran
// order (delivered in C order); .npz entries stored or deflated.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_SUPPORT_NPY_H
#define DYADIC_SUPPORT_NPY_H

#include "dyadic/Support/HostTensor.h"
#include "dyadic/Support/OutputFile.h"

#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace dyadic {

/// The bytes of one array's file, read front to back or by offset.
class ByteSource {
public:
  virtual ~ByteSource();
  /// Bytes in all, as the file system or the archive's directory says.
  virtual int64_t size() const = 0;
  /// Fills `out` from `offset`. Going back may start over from the beginning.
  virtual llvm::Error read(int64_t offset, llvm::MutableArrayRef<char> out) = 0;
};

/// One array of a .npy file or .npz archive, open for reading.
class NpyArray {
public:
  /// Reads the header; `label` names the array in messages.
  static llvm::Expected<std::unique_ptr<NpyArray>>
  open(std::unique_ptr<ByteSource> source, std::string label);

  /// The file, and the array's name within an archive.
  llvm::StringRef label() const { return name; }
  ElementKind kind() const { return elementKind; }
  llvm::ArrayRef<int64_t> shape() const { return dims; }
  int64_t numElements() const;

  /// Elements without a header; `shape` must fit the source.
  static std::unique_ptr<NpyArray> raw(std::unique_ptr<ByteSource> source,
                                       std::string label, ElementKind kind,
                                       llvm::ArrayRef<int64_t> shape);

  /// Reads elements [first, first + count) in C order. For C order files the
  /// memory used is `count` elements.
  llvm::Expected<HostTensor> readElements(int64_t first, int64_t count);
  /// Reads all of it.
  llvm::Expected<HostTensor> readAll();

private:
  NpyArray() = default;
  llvm::Error loadFortran();

  std::unique_ptr<ByteSource> source;
  std::string name;
  ElementKind elementKind = ElementKind::F32;
  llvm::SmallVector<int64_t> dims;
  int64_t dataOffset = 0;
  bool isFortran = false;
  std::vector<char> reordered; // Fortran order only
};

/// A .npz archive's directory.
class NpzArchive {
public:
  static llvm::Expected<std::unique_ptr<NpzArchive>> open(llvm::StringRef path);
  ~NpzArchive();

  /// Names of the arrays, without ".npy", in the archive's order.
  llvm::ArrayRef<std::string> names() const { return arrayNames; }
  bool contains(llvm::StringRef name) const;
  /// Opens one array; fails with the list of names when there is none such.
  llvm::Expected<std::unique_ptr<NpyArray>> get(llvm::StringRef name) const;
  llvm::StringRef path() const { return filePath; }

private:
  struct Entry;
  NpzArchive();
  std::string filePath;
  std::vector<std::string> arrayNames;
  std::vector<Entry> entries;
};

/// Opens a .npy file.
llvm::Expected<std::unique_ptr<NpyArray>> openNpy(llvm::StringRef path);

/// Opens a file of bare elements: as many samples of `shape`, stacked in a new
/// first dimension, as the file's size gives.
llvm::Expected<std::unique_ptr<NpyArray>>
openRaw(llvm::StringRef path, ElementKind kind, llvm::ArrayRef<int64_t> shape);

/// "128x1x8x8xfloat32"
std::string describe(const NpyArray &array);

/// Writes one array, in whole or not at all.
llvm::Error writeNpy(llvm::StringRef path, const HostTensor &tensor);

/// Writes an archive, uncompressed. The arrays' elements may come interleaved,
/// as the samples of a run do; nothing is left behind without `finish`.
class NpzWriter {
public:
  static llvm::Expected<std::unique_ptr<NpzWriter>> create(llvm::StringRef path);
  ~NpzWriter();

  /// Makes room for an array and returns its number.
  size_t declare(llvm::StringRef name, ElementKind kind,
                 llvm::ArrayRef<int64_t> shape);
  /// The next elements of array `number`. After `finish` there must have been
  /// as many as its shape says.
  void append(size_t number, llvm::ArrayRef<char> bytes);
  /// A whole array.
  void add(llvm::StringRef name, const HostTensor &tensor);
  llvm::Error finish();

private:
  struct Entry;
  NpzWriter();
  std::unique_ptr<OutputFile> file;
  std::vector<Entry> entries;
  uint64_t end = 0;
};

} // namespace dyadic

#endif

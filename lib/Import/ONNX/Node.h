//===- Node.h - the attributes of one ONNX node -----------------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_NODE_H
#define DYADIC_LIB_IMPORT_ONNX_NODE_H

#include "TensorShape.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"

#include "llvm/ADT/StringSet.h"

#include "onnx-ml.pb.h"

namespace dyadic::onnx_import {

/// How many bytes of constants an import may still make: what a file can ask
/// for is bounded by what it holds.
class ConstantAllowance {
public:
  explicit ConstantAllowance(int64_t fills) : fills(fills) {}

  /// For `bytes` of constants that the model has.
  void add(int64_t bytes) { left += 64 * bytes; }
  /// For as many that it has as a shape and one number, up to a limit of their
  /// own: they are made, and may be copied a few times.
  void addFill(int64_t bytes) {
    if (bytes > fills)
      return;
    fills -= bytes;
    left += 4 * bytes;
  }
  bool has(int64_t bytes) const { return bytes <= left; }
  void take(int64_t bytes) { left -= bytes; }

private:
  int64_t left = int64_t{64} << 20, fills;
};

/// Reads a node's attributes and reports its faults. Reading an attribute of
/// the wrong type reports it, returns the default and lets `finish` fail; so
/// does an attribute that nobody read, since its meaning would be lost.
class Node {
public:
  Node(const onnx::NodeProto &proto, int64_t opset, mlir::Location loc,
       ConstantAllowance &allowance)
      : proto(proto), opset(opset), loc(loc), allowance(allowance) {}

  /// The name people know the node by: its own, else its first output's.
  static std::string displayName(const onnx::NodeProto &proto);

  const onnx::NodeProto &getProto() const { return proto; }
  llvm::StringRef getOpType() const { return proto.op_type(); }
  int64_t getOpset() const { return opset; }
  mlir::Location getLoc() const { return loc; }

  /// An error at this node whose text starts with the op's type.
  mlir::InFlightDiagnostic emitError() const;
  /// "<what> is not supported"
  mlir::LogicalResult unsupported(const llvm::Twine &what) const;

  /// Error if a constant of `count` times `bytes` is more than a model of this
  /// size may still come to: asked before it is made.
  mlir::LogicalResult checkAllowance(int64_t count, int64_t bytes) const;
  /// To be called before a constant of equal elements is made that the model may
  /// have for weights.
  void allowFill(int64_t bytes) const { allowance.addFill(bytes); }
  /// The same as `checkAllowance` for a constant that stays.
  mlir::LogicalResult reserve(int64_t bytes) const;

  bool has(llvm::StringRef name);
  int64_t getInt(llvm::StringRef name, int64_t fallback);
  float getFloat(llvm::StringRef name, float fallback);
  std::string getString(llvm::StringRef name, llvm::StringRef fallback);
  Shape getInts(llvm::StringRef name, llvm::ArrayRef<int64_t> fallback = {});
  llvm::SmallVector<std::string> getStrings(llvm::StringRef name);
  llvm::SmallVector<float> getFloats(llvm::StringRef name);
  const onnx::TensorProto *getTensor(llvm::StringRef name);
  const onnx::GraphProto *getGraph(llvm::StringRef name);
  /// For attributes that change nothing about inference.
  void ignore(llvm::StringRef name) { used.insert(name); }

  /// Fails if an attribute was of the wrong type or never read.
  mlir::LogicalResult finish();

private:
  const onnx::AttributeProto *find(llvm::StringRef name,
                                   onnx::AttributeProto::AttributeType type);

  const onnx::NodeProto &proto;
  int64_t opset;
  mlir::Location loc;
  ConstantAllowance &allowance;
  llvm::StringSet<> used;
  bool failed = false;
};

} // namespace dyadic::onnx_import

#endif

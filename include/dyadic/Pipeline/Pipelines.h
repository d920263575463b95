//===- Pipelines.h - the order of the passes --------------------*- C++ -*-===//
//
// The only place that orders passes: one builder for each step between two
// levels of the IR.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_PIPELINE_PIPELINES_H
#define DYADIC_PIPELINE_PIPELINES_H

#include "dyadic/Quantize/Scheme.h"
#include "dyadic/Target/TargetInfo.h"

#include "mlir/Pass/PassManager.h"

#include <string>
#include <vector>

namespace dyadic {

/// Level 1, as imported → level 1, simplified and channels last.
void buildSimplifyPipeline(mlir::OpPassManager &pm);

/// What the quantizer is asked for.
struct QuantizeChoices {
  /// Names or patterns of ops that stay f32.
  std::vector<std::string> keepFloat;
  /// int4, codebook4, pattern=int4, …: what weights become that aren't int8.
  std::vector<std::string> weights;
  Scheme scheme = Scheme::Static;
  /// int16, pattern=int16, …: the activations that have more than 8 bits.
  std::vector<std::string> activations;
  /// pattern=dynamic, …: ops whose scheme is another.
  std::vector<std::string> schemes;
  /// pattern=int4:group=64, …: ops that stay f32, their weights in this format.
  std::vector<std::string> weightOnly;
  /// Nothing computes on floats between the network's borders, or it is refused.
  bool integerOnly = false;
};

/// Whether inputs may be moved onto the values of their types, in f32: where all that
/// reads them is static, and floats are allowed.
bool canShiftInputs(const QuantizeChoices &choices);

/// Level 1, with ranges where the scheme is static → level 2. Without `equalize`
/// inputs and channels stay as they are.
void buildQuantizePipeline(mlir::OpPassManager &pm,
                           const QuantizeChoices &choices = {},
                           bool equalize = true);

/// Level 1 with the borders of a model that comes quantized → level 2.
void buildAdoptPipeline(mlir::OpPassManager &pm);

/// Level 2 → level 3. `rounding` is that of the requantizations, as the pass's
/// option. With `integerOnly` what stays float at level 2 becomes integer
/// arithmetic, too, or is an error.
void buildLowerToDyadicPipeline(mlir::OpPassManager &pm,
                                const std::string &rounding = "",
                                bool integerOnly = false);

/// Level 3 → TOSA, for other compilers.
void buildExportTOSAPipeline(mlir::OpPassManager &pm);

struct FuseOptions {
  /// Join pointwise ops to the kernel that makes their operand.
  bool fuse = true;
  /// Give every kernel result bytes of its own in the arena.
  bool keepAll = false;
  /// Let tensors lie inside of others, strided. Kernels of GPUs don't read such.
  bool views = true;
};

/// Level 1 or 3 → level 4 with its memory plan.
void buildFusePipeline(mlir::OpPassManager &pm, const FuseOptions &options = {});

/// How many threads of a CPU share a run, and the work in nanoseconds that is
/// worth one.
struct ThreadOptions {
  int64_t count = 1;
  double cost = 1000;
};

/// Level 4 → level 5: loops for `target`, in functions that begin with `name`,
/// shared by `threads`.
void buildCodegenPipeline(mlir::OpPassManager &pm, const TargetInfo &target,
                          llvm::StringRef name, ThreadOptions threads = {});

/// Registers the above by name, with their options: `dyadic-simplify-pipeline`,
/// `-adopt-`, `-quantize-`, `-lower-`, `-fuse-`, `-generate-` and, for all in a row,
/// `dyadic-compile-pipeline`.
void registerPipelines();

} // namespace dyadic

#endif

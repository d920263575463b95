//===- Coded.td - weights of few bits as a constant -----------------------===//
#ifndef DYADIC_CODED
#define DYADIC_CODED

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/DialectBase.td"

def Coded_Dialect : Dialect {
  let name = "coded";
  let cppNamespace = "::dyadic::coded";
  let summary = "constants of weights that are stored in few bits";
  let description = [{
    `!quant.uniform` with blocks says how integers stand for reals, too, but has
    no table of values, wants blocks that divide the tensor, and keeps every
    scale in the type: a hundred thousand of them for one matrix. Here they are
    data of the constant.
  }];
  // The generated parser counts on the type behind the attribute.
  let useDefaultAttributePrinterParser = 0;
  let extraClassDeclaration = [{
    ::mlir::Attribute parseAttribute(::mlir::DialectAsmParser &parser,
                                     ::mlir::Type type) const override;
    void printAttribute(::mlir::Attribute attribute,
                        ::mlir::DialectAsmPrinter &printer) const override;
  }];
}

def Coded_WeightsAttr : AttrDef<Coded_Dialect, "Weights", [ElementsAttrInterface]> {
  let mnemonic = "weights";
  let summary = "an f32 tensor whose elements are numbers of values";
  let description = [{
    Element k of channel o, with the code c and in group g = k / `group`, is

        (value(c) − zeros[o, g]) · scales[o, g]

    rounded to f32 once. value(c) is `values[c]`, or c − 2^(bits − 1) where there are
    none. `axis` is the channels' dimension, the first or the last one; k counts a
    channel's elements in the order of memory. Scales are [channels, groups], or
    [1, 1] for the whole tensor, and so are zeros, which may be missing.

    ```mlir
    // 2·(3 − 8), 2·(8 − 8), 0.5·(15 − 8), 0.5·(7 − 8)
    %0 = qnn.constant #coded.weights<codes = dense<[[3, 8, 15, 7]]> : tensor<1x4xui8>,
        scales = dense<[[2.0, 0.5]]> : tensor<1x2xf32>, axis = 0, group = 2, bits = 4>
        : tensor<1x4xf32> : tensor<1x4xf32>
    ```

    Whoever reads constants reads it as the floats that it is; code generation
    stores it as `bits` a weight and decodes them in registers.
  }];
  let parameters = (ins
    AttributeSelfTypeParameter<"the decoded tensor's", "::mlir::RankedTensorType">:$type,
    "::mlir::ElementsAttr":$codes,
    "::mlir::ElementsAttr":$scales,
    OptionalParameter<"::mlir::ElementsAttr">:$zeros,
    OptionalParameter<"::mlir::DenseF32ArrayAttr">:$values,
    "int64_t":$axis,
    "int64_t":$group,
    "unsigned":$bits);
  let assemblyFormat = [{
    `<` struct($codes, $scales, $zeros, $values, $axis, $group, $bits) `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Elements are iterable as f32.
    using NonContiguousIterableTypesT = std::tuple<float>;
    using Iterator = ::llvm::mapped_iterator<
        ::llvm::detail::SafeIntIterator<int64_t, false>, ElementOf<float>>;
    ::mlir::FailureOr<Iterator> try_value_begin_impl(OverloadToken<float>) const;

    /// The attribute's content; fails where the bytes of a resource are missing.
    ::mlir::FailureOr<::dyadic::CodedWeights> read() const;
    /// The attribute for `weights` as a tensor of `type` with these channels. `values`
    /// is left out where they are the integers.
    static WeightsAttr get(::mlir::RankedTensorType type, int64_t axis,
                           const ::dyadic::CodedWeights &weights);
  }];
}

def Coded_IntegersAttr : AttrDef<Coded_Dialect, "Integers", [ElementsAttrInterface]> {
  let mnemonic = "integers";
  let summary = "an i8 tensor whose elements are numbers of four bits times factors";
  let description = [{
    Element k of channel o, in group g = k / `group`, is

        numbers[o, k] · factors[o, g]

    of at most 127 in magnitude. `axis` is the channels' dimension, the first or the
    last one; `numbers` have the tensor's shape, k counts a channel's elements in the
    order of memory, and the last group may be shorter. Factors are [channels, groups]
    and may be negative, as there is one more number below zero than above.

    ```mlir
    // −8·−3, 7·−3, 1·15
    %0 = qnn.constant #coded.integers<numbers = dense<[[-8, 7, 1]]> : tensor<1x3xi4>,
        factors = dense<[[-3, 15]]> : tensor<1x2xi8>, axis = 0, group = 2>
        : tensor<1x3xi8> : tensor<1x3x!quant.uniform<i8<-127:127>:f32:0, {0.01}>>
    ```

    Whoever reads constants reads it as the integers that it is, and products and sums
    of them are those of any i8 weights; code generation may store four bits a weight.
  }];
  let parameters = (ins
    AttributeSelfTypeParameter<"the products' type", "::mlir::RankedTensorType">:$type,
    "::mlir::ElementsAttr":$numbers,
    "::mlir::ElementsAttr":$factors,
    "int64_t":$axis,
    "int64_t":$group);
  let assemblyFormat = "`<` struct($numbers, $factors, $axis, $group) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Elements are iterable as i8.
    using NonContiguousIterableTypesT = std::tuple<int8_t>;
    using Iterator = ::llvm::mapped_iterator<
        ::llvm::detail::SafeIntIterator<int64_t, false>, ElementOf<int8_t>>;
    ::mlir::FailureOr<Iterator> try_value_begin_impl(OverloadToken<int8_t>) const;

    /// The attribute's content; fails where the bytes of a resource are missing.
    ::mlir::FailureOr<::dyadic::CodedIntegers> read() const;
    /// The attribute for `integers` as a tensor of `type` with these channels.
    static IntegersAttr get(::mlir::RankedTensorType type, int64_t axis,
                            const ::dyadic::CodedIntegers &integers);
  }];
}

#endif

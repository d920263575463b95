// RUN: dyadic-opt %s --qnn-quantize=schemes=hid*=dynamic | FileCheck %s
// RUN: dyadic-opt %s --qnn-quantize="scheme=dynamic schemes=hidden=dynamic-tensor" | FileCheck %s --check-prefix=BASE
// RUN: not dyadic-opt %s --qnn-quantize=schemes=hidden=static,hidden,no*=dynamic 2>&1 | FileCheck %s --check-prefix=INVALID

// INVALID-DAG: error: expected pattern=dynamic or pattern=dynamic-tensor, but got hidden=static
// INVALID-DAG: error: expected pattern=dynamic or pattern=dynamic-tensor, but got hidden
// INVALID-DAG: error: there is no convolution or matrix product with weights named "no*" whose scheme could be dynamic

// Between two products with ranges one gets its scales at run time: it reads f32.
// CHECK-LABEL: func @layers
// CHECK: %[[A:.*]] = qnn.matmul {{.*}} -> tensor<1x3x2x!quant.uniform<
// CHECK: %[[R:.*]] = quant.dcast %[[A]]
// CHECK: %[[D:.*]] = qnn.dynamic_round %[[R]] {outer = 2 : i64}
// CHECK: %[[B:.*]] = qnn.matmul %[[D]], %{{.*}} {qnn.float_reason = "its scheme is another"} : (tensor<1x3x2xf32>, tensor<2x2x!quant.uniform<i8{{.*}}) -> tensor<1x3x2xf32>
// CHECK: %[[Q:.*]] = quant.qcast %[[B]]
// CHECK: qnn.matmul %[[Q]]
// BASE-LABEL: func @layers
// BASE: qnn.dynamic_round %{{.*}} {outer = 2 : i64}
// BASE: qnn.dynamic_round %{{.*}} {outer = 1 : i64}
// BASE: qnn.dynamic_round %{{.*}} {outer = 2 : i64}
func.func @layers(%x: tensor<1x3x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<1x3x2xf32> {
  %w = qnn.constant dense<[[63.5, 127.0], [-1.0, 2.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32> loc("first")
  %1 = qnn.matmul %0, %w {qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32> loc("hidden")
  %2 = qnn.matmul %1, %w {qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32> loc("last")
  return %2 : tensor<1x3x2xf32>
}

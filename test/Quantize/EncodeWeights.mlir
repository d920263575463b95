// RUN: dyadic-opt %s --qnn-encode-weights=weights=int2 | FileCheck %s --check-prefix=INT2
// RUN: dyadic-opt %s --qnn-encode-weights=weights=int4:group=2:asymmetric | FileCheck %s --check-prefix=GROUPS
// RUN: dyadic-opt %s --qnn-encode-weights=weights=nf4,table=codebook2 | FileCheck %s --check-prefix=VALUES
// RUN: dyadic-opt %s --qnn-encode-weights="weights=int8:tensor keep-float=table" | FileCheck %s --check-prefix=TENSOR

func.func @layers(%x: tensor<1x4xf32>, %i: tensor<3xi64>, %y: tensor<1x1x2x2xf32>) -> (tensor<1x2xf32>, tensor<3x2xf32>, tensor<1x1x1x2xf32>) {
  // One scale per column, of its largest weight.
  // INT2:        qnn.constant #coded.weights<codes = dense<{{\[\[}}3, 3], [2, 2], [1, 1], [2, 2]]> : tensor<4x2xui8>,
  // INT2-SAME:     scales = dense<{{\[\[}}1.000000e+00], [5.000000e-01]]> : tensor<2x1xf32>, axis = 1, group = 4, bits = 2> : tensor<4x2xf32>
  // Groups of two along the sum, with a zero point each.
  // GROUPS:      zeros = dense<{{.*}}> : tensor<2x2xi8>, axis = 1, group = 2, bits = 4>
  // VALUES:      scales = dense<{{\[\[}}1.000000e+00], [5.000000e-01]]>
  // VALUES-SAME: values = [-1.000000e+00, -6.961928e-01,
  // TENSOR:      codes = dense<{{\[\[}}255, 19{{[12]}}], [128, 128], [1, 6{{[45]}}], [128, 128]]>
  // TENSOR-SAME: tensor<1x1xf32>, axis = 1, group = 4, bits = 8>
  // INT2-NOT:    qnn.weights
  %w = qnn.constant dense<[[1.0, 0.5], [0.0, 0.0], [-1.0, -0.5], [0.0, 0.0]]> : tensor<4x2xf32> : tensor<4x2xf32>
  %0 = qnn.matmul %x, %w : (tensor<1x4xf32>, tensor<4x2xf32>) -> tensor<1x2xf32>

  // A table has a scale per row, and other bits than eight by its name alone.
  // INT2:   codes = dense<{{\[\[}}255, 1], [128, 255]]> : tensor<2x2xui8>, {{.*}} axis = 0, group = 2, bits = 8>
  // VALUES: axis = 0, group = 2, bits = 2>
  // TENSOR: qnn.constant dense<{{\[\[}}1.270000e+00, -1.270000e+00]
  %t = qnn.constant dense<[[1.27, -1.27], [0.0, 2.54]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %1 = qnn.gather %t, %i {axis = 0 : i64} : (tensor<2x2xf32>, tensor<3xi64>) -> tensor<3x2xf32> loc("table")

  // Depthwise filters stay; a channel's weights are O × (KH·KW·C).
  // INT2: qnn.constant dense<{{.*}}> : tensor<2x1x2x1xf32>
  // INT2: qnn.constant #coded.weights<codes = dense<{{\[\[\[\[}}3, 1]{{\]\]}}, {{\[\[\[}}0, 2]{{\]\]\]}}> : tensor<2x1x1x2xui8>, {{.*}} axis = 0, group = 2, bits = 2> : tensor<2x1x1x2xf32>
  %d = qnn.constant dense<0.3> : tensor<2x1x2x1xf32> : tensor<2x1x2x1xf32>
  %f = qnn.constant dense<[[[[1.0, -1.0]]], [[[-2.0, 0.0]]]]> : tensor<2x1x1x2xf32> : tensor<2x1x1x2xf32>
  %2 = qnn.conv2d %y, %d {groups = 2 : i64} : (tensor<1x1x2x2xf32>, tensor<2x1x2x1xf32>) -> tensor<1x1x1x2xf32>
  %3 = qnn.conv2d %2, %f : (tensor<1x1x1x2xf32>, tensor<2x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  return %0, %1, %3 : tensor<1x2xf32>, tensor<3x2xf32>, tensor<1x1x1x2xf32>
}

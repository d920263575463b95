// RUN: dyadic-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expected the type of an f32 tensor of two or more dimensions, but got 'tensor<2xf32>'}}
#a = #coded.weights<codes = dense<0> : tensor<2xui8>, scales = dense<1.0> : tensor<1x1xf32>, axis = 0, group = 2, bits = 4> : tensor<2xf32>

// -----

// expected-error @below {{expected the first or the last dimension as the axis, but got 2}}
#a = #coded.weights<codes = dense<0> : tensor<2x2xui8>, scales = dense<1.0> : tensor<1x1xf32>, axis = 2, group = 2, bits = 4> : tensor<2x2xf32>

// -----

// expected-error @below {{expected 2, 3, 4 or 8 bits, but got 5}}
#a = #coded.weights<codes = dense<0> : tensor<2x2xui8>, scales = dense<1.0> : tensor<1x1xf32>, axis = 0, group = 2, bits = 5> : tensor<2x2xf32>

// -----

// expected-error @below {{expected groups of 1 or more, but got 0}}
#a = #coded.weights<codes = dense<0> : tensor<2x2xui8>, scales = dense<1.0> : tensor<1x1xf32>, axis = 0, group = 0, bits = 4> : tensor<2x2xf32>

// -----

// expected-error @below {{expected 4 values, but got 2}}
#a = #coded.weights<codes = dense<0> : tensor<2x2xui8>, scales = dense<1.0> : tensor<1x1xf32>, values = [0.0, 1.0], axis = 0, group = 2, bits = 2> : tensor<2x2xf32>

// -----

// expected-error @below {{expected values that ascend}}
#a = #coded.weights<codes = dense<0> : tensor<2x2xui8>, scales = dense<1.0> : tensor<1x1xf32>, values = [0.0, 1.0, 0.5, 2.0], axis = 0, group = 2, bits = 2> : tensor<2x2xf32>

// -----

// expected-error @below {{expected codes of type 'tensor<2x2xui8>', but got 'tensor<2x2xi8>'}}
#a = #coded.weights<codes = dense<0> : tensor<2x2xi8>, scales = dense<1.0> : tensor<1x1xf32>, axis = 0, group = 2, bits = 4> : tensor<2x2xf32>

// -----

// expected-error @below {{expected scales of type 'tensor<2x2xf32>' or tensor<1x1xf32>, but got 'tensor<2x1xf32>'}}
#a = #coded.weights<codes = dense<0> : tensor<2x3xui8>, scales = dense<1.0> : tensor<2x1xf32>, axis = 0, group = 2, bits = 4> : tensor<2x3xf32>

// -----

// expected-error @below {{expected zeros of type 'tensor<1x1xi8>', but got 'tensor<2x1xi8>'}}
#a = #coded.weights<codes = dense<0> : tensor<2x2xui8>, scales = dense<1.0> : tensor<1x1xf32>, zeros = dense<0> : tensor<2x1xi8>, axis = 0, group = 2, bits = 4> : tensor<2x2xf32>

// -----

// expected-error @below {{expected codes of 4 bits, but got 16}}
#a = #coded.weights<codes = dense<16> : tensor<2x2xui8>, scales = dense<1.0> : tensor<1x1xf32>, axis = 0, group = 2, bits = 4> : tensor<2x2xf32>

// -----

// expected-error @below {{expected #coded.weights or #coded.integers, but got #coded.others}}
#a = #coded.others<1> : tensor<2x2xf32>

// -----

// expected-error @below {{expected a type behind the attribute}}
#a = #coded.weights<codes = dense<0> : tensor<2x2xui8>, scales = dense<1.0> : tensor<1x1xf32>, axis = 0, group = 2, bits = 4>

// -----

// expected-error @below {{expected the type of an i8 tensor of two or more dimensions, but got 'tensor<2x3xi16>'}}
#a = #coded.integers<numbers = dense<1> : tensor<2x3xi4>, factors = dense<1> : tensor<2x2xi8>, axis = 0, group = 2> : tensor<2x3xi16>

// -----

// expected-error @below {{expected the first or the last dimension as the axis, but got 2}}
#a = #coded.integers<numbers = dense<1> : tensor<2x3xi4>, factors = dense<1> : tensor<2x2xi8>, axis = 2, group = 2> : tensor<2x3xi8>

// -----

// expected-error @below {{expected groups of 1 or more, but got 0}}
#a = #coded.integers<numbers = dense<1> : tensor<2x3xi4>, factors = dense<1> : tensor<2x2xi8>, axis = 0, group = 0> : tensor<2x3xi8>

// -----

// expected-error @below {{expected numbers of type 'tensor<2x3xi4>', but got 'tensor<2x3xi8>'}}
#a = #coded.integers<numbers = dense<1> : tensor<2x3xi8>, factors = dense<1> : tensor<2x2xi8>, axis = 0, group = 2> : tensor<2x3xi8>

// -----

// expected-error @below {{expected factors of type 'tensor<2x2xi8>', but got 'tensor<2x1xi8>'}}
#a = #coded.integers<numbers = dense<1> : tensor<2x3xi4>, factors = dense<1> : tensor<2x1xi8>, axis = 0, group = 2> : tensor<2x3xi8>

// -----

// expected-error @below {{expected factors other than 0}}
#a = #coded.integers<numbers = dense<1> : tensor<2x3xi4>, factors = dense<0> : tensor<2x2xi8>, axis = 0, group = 2> : tensor<2x3xi8>

// -----

// expected-error @below {{expected products within ±127, but element 0 of channel 0 is -128}}
#a = #coded.integers<numbers = dense<-8> : tensor<2x3xi4>, factors = dense<16> : tensor<2x2xi8>, axis = 0, group = 2> : tensor<2x3xi8>

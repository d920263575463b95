// RUN: dyadic-opt %s --dyadic-profile-kernels --verify-diagnostics

// expected-error@below {{expected a public function that calls kernels: run --dyadic-generate-kernels first}}
module {
  func.func private @k0(%x: memref<4xi8>) { return }
}

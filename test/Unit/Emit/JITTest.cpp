//===- JITTest.cpp --------------------------------------------------------===//
#include "EmitTest.h"
#include "Program.h"

using namespace dyadic;
using namespace mlir;

namespace {

class JITTest : public EmitTest {};

TEST_F(JITTest, RunsAndKeepsTheArena) {
  auto module = parse(kProgram);
  auto program = load(*module, programInfo());
  ASSERT_TRUE(program);
  HostTensor x(ElementKind::F32, {4});
  for (int i = 0; i < 4; ++i)
    x.set(i, i + 1);
  auto y = program->run({x}, module->getLoc());
  ASSERT_TRUE(succeeded(y));
  // The weights are 2, 4, 3, 1.
  EXPECT_EQ((*y)[0].as<float>(), ArrayRef<float>({3, 9, 10, 5}));
  HostTensor product = program->kept(program->info().kept[0]);
  EXPECT_EQ(std::as_const(product).as<float>(), ArrayRef<float>({2, 8, 9, 4}));
}

TEST_F(JITTest, TwoProgramsShareAProcess) {
  auto first = parse(kProgram), second = parse(kProgram);
  auto a = load(*first, programInfo()), b = load(*second, programInfo());
  ASSERT_TRUE(a && b);
  HostTensor x(ElementKind::F32, {4});
  EXPECT_TRUE(succeeded(a->run({x}, first->getLoc())));
  EXPECT_TRUE(succeeded(b->run({x}, first->getLoc())));
}

TEST_F(JITTest, RefusesWrongInputs) {
  auto module = parse(kProgram);
  auto program = load(*module, programInfo());
  ASSERT_TRUE(program);
  std::string text;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    text = diagnostic.str();
  });
  EXPECT_TRUE(failed(program->run({HostTensor(ElementKind::F32, {5})},
                                  module->getLoc())));
  EXPECT_EQ(text, "expected float32 and 4 elements for the input 'x', but got "
                  "5xfloat32");
  EXPECT_TRUE(failed(program->run(ArrayRef<HostTensor>(), module->getLoc())));
}

TEST_F(JITTest, RefusesAModuleWithoutTheEntry) {
  auto module = parse("module {}");
  ScopedDiagnosticHandler handler(&context, [](Diagnostic &) {});
  EXPECT_TRUE(failed(JITProgram::create(*module, programInfo(), host())));
}

} // namespace

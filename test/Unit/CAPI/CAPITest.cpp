//===- CAPITest.cpp - the C API as a program outside sees it --------------===//
#include "dyadic-c/Dyadic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
const std::string kDigits = DYADIC_TEST_SOURCE_DIR "/../examples/digits/";

DyadicStringRef toRef(const char *text) { return dyadicStringRefCreateFromCString(text); }
DyadicStringRef toRef(const std::string &text) { return {text.data(), text.size()}; }
std::string str(DyadicStringRef text) { return {text.data, text.length}; }

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Options, a model and a program that are destroyed, and what was reported.
class CAPITest : public ::testing::Test {
protected:
  void SetUp() override {
    char path[] = "/tmp/dyadic-capi-XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    folder = path;
    images = std::vector<float>(16 * 64);
    for (size_t i = 0; i < images.size(); ++i)
      images[i] = (i * 37 % 101) / 100.0f;
  }
  void TearDown() override {
    dyadicProgramDestroy(program);
    dyadicModelDestroy(model);
    dyadicOptionsDestroy(options);
    EXPECT_EQ(std::system(("rm -r " + folder).c_str()), 0);
  }

  DyadicReporter reporter() {
    said.clear();
    return {[](DyadicSeverity severity, DyadicStringRef location, DyadicStringRef message,
               void *userData) {
              static const char *const names[] = {"note", "warning", "error", "remark"};
              static_cast<CAPITest *>(userData)->said +=
                  std::string(names[severity]) + "[" + str(location) + "] " + str(message) + "\n";
            },
            this};
  }

  void addSamples(size_t from = 0, size_t to = 16) {
    int64_t shape[] = {int64_t(to - from), 1, 8, 8};
    dyadicOptionsAddCalibrationArray(options, toRef("image"), DyadicElementTypeF32, 4, shape,
                                     images.data() + from * 64, (to - from) * 64 * sizeof(float));
  }
  DyadicResult compileDigits() {
    return dyadicCompileFile(toRef(kDigits + "digits.onnx"), options, reporter(), &model);
  }
  /// The program on image `n`; a result and scores.
  DyadicResult run(size_t n, std::vector<float> &scores, DyadicProgram on) {
    DyadicInputBuffer input = {images.data() + n * 64, 64 * sizeof(float)};
    scores.assign(10, -1);
    DyadicOutputBuffer output = {scores.data(), scores.size() * sizeof(float)};
    return dyadicProgramRun(on, 1, &input, 1, &output, {nullptr, 0}, reporter());
  }

  std::string folder, said;
  std::vector<float> images;
  DyadicOptions options = dyadicOptionsCreate();
  DyadicModel model = {nullptr};
  DyadicProgram program = {nullptr};
};

TEST_F(CAPITest, Version) {
  EXPECT_EQ(str(dyadicGetVersion()).find("0."), 0u);
  EXPECT_EQ(dyadicGetAPIVersion(), DYADIC_C_API_VERSION);
}

TEST_F(CAPITest, CompilesFromFileAndMemoryTheSame) {
  addSamples();
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  EXPECT_EQ(said, "");
  EXPECT_EQ(dyadicModelGetNumSamples(model), 16u);
  EXPECT_GT(dyadicModelGetNumIntegerOps(model), 5u);
  EXPECT_NE(str(dyadicModelGetTriple(model)), "");
  EXPECT_NE(str(dyadicModelGetCPU(model)), "");
  EXPECT_NE(str(dyadicModelGetLevel(model)), "");
  for (size_t i = 0; i < dyadicModelGetNumFloatOps(model); ++i)
    EXPECT_NE(str(dyadicModelGetFloatOp(model, i).kind), "");
  EXPECT_EQ(dyadicModelGetFloatOp(model, 1000).kind.length, 0u);

  DyadicInterface interface = dyadicModelGetInterface(model);
  EXPECT_EQ(str(dyadicInterfaceGetName(interface)), "digits");
  ASSERT_EQ(dyadicInterfaceGetNumInputs(interface), 1u);
  ASSERT_EQ(dyadicInterfaceGetNumOutputs(interface), 1u);
  DyadicTensorInfo input = dyadicInterfaceGetInput(interface, 0);
  EXPECT_EQ(str(input.name), "image");
  EXPECT_EQ(input.type, DyadicElementTypeF32);
  EXPECT_EQ(std::vector<int64_t>(input.shape, input.shape + input.rank),
            (std::vector<int64_t>{1, 1, 8, 8}));
  EXPECT_EQ(input.bytes, 256u);
  EXPECT_GT(input.scale, 0);
  EXPECT_EQ(dyadicInterfaceGetInput(interface, 1).shape, nullptr);
  EXPECT_GT(dyadicInterfaceGetArenaBytes(interface), 0u);
  EXPECT_GT(dyadicInterfaceGetWeightBytes(interface), 1000u);

  ASSERT_EQ(dyadicModelLoad(model, reporter(), &program), DyadicResultDone) << said;
  std::vector<float> fromFile, fromMemory;
  ASSERT_EQ(run(3, fromFile, program), DyadicResultDone) << said;

  // The bytes need not outlive the compile, nor the model its program.
  DyadicModel second;
  DyadicProgram secondProgram;
  auto bytes = std::make_unique<std::string>(readFile(kDigits + "digits.onnx"));
  ASSERT_EQ(dyadicCompileMemory(bytes->data(), bytes->size(), toRef("in memory"), options,
                                reporter(), &second),
            DyadicResultDone)
      << said;
  bytes.reset();
  EXPECT_EQ(str(dyadicInterfaceGetName(dyadicModelGetInterface(second))), "in_memory");
  ASSERT_EQ(dyadicModelLoad(second, reporter(), &secondProgram), DyadicResultDone) << said;
  dyadicModelDestroy(second);
  ASSERT_EQ(run(3, fromMemory, secondProgram), DyadicResultDone) << said;
  dyadicProgramDestroy(secondProgram);
  EXPECT_EQ(fromFile, fromMemory);
}

TEST_F(CAPITest, SamplesInPiecesOrAFileAreTheSame) {
  addSamples(0, 5);
  addSamples(5, 16);
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  EXPECT_EQ(dyadicModelGetNumSamples(model), 16u);
  float pieces = dyadicInterfaceGetInput(dyadicModelGetInterface(model), 0).scale;
  dyadicModelDestroy(model);
  dyadicOptionsDestroy(options);

  options = dyadicOptionsCreate();
  std::ofstream(folder + "/samples.raw", std::ios::binary)
      .write(reinterpret_cast<const char *>(images.data()), images.size() * sizeof(float));
  dyadicOptionsSetCalibrationPath(options, toRef(folder + "/samples.raw"));
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  EXPECT_EQ(dyadicModelGetNumSamples(model), 16u);
  EXPECT_EQ(dyadicInterfaceGetInput(dyadicModelGetInterface(model), 0).scale, pieces);
}

TEST_F(CAPITest, WritesAndOpensALibraryAgain) {
  addSamples();
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  ASSERT_EQ(dyadicModelLoad(model, reporter(), &program), DyadicResultDone) << said;
  // Under another name than its symbols have, and after the JIT.
  std::string path = folder + "/libother.so";
  ASSERT_EQ(dyadicModelWrite(model, toRef(path), reporter()), DyadicResultDone) << said;
  EXPECT_NE(readFile(folder + "/libother.h").find("digits_run"), std::string::npos);
  ASSERT_EQ(dyadicModelWrite(model, toRef(folder + "/x.o"), reporter()), DyadicResultDone) << said;
  DyadicProgram opened;
  ASSERT_EQ(dyadicProgramOpen(toRef(path), reporter(), &opened), DyadicResultDone) << said;
  DyadicInterface a = dyadicProgramGetInterface(program), b = dyadicProgramGetInterface(opened);
  EXPECT_EQ(str(dyadicInterfaceGetName(b)), "digits");
  EXPECT_EQ(dyadicInterfaceGetArenaBytes(a), dyadicInterfaceGetArenaBytes(b));
  EXPECT_EQ(dyadicInterfaceGetWeightBytes(a), dyadicInterfaceGetWeightBytes(b));
  EXPECT_EQ(dyadicInterfaceGetOutput(a, 0).scale, dyadicInterfaceGetOutput(b, 0).scale);
  for (size_t n = 0; n < 4; ++n) {
    std::vector<float> jitted, loaded;
    ASSERT_EQ(run(n, jitted, program), DyadicResultDone) << said;
    ASSERT_EQ(run(n, loaded, opened), DyadicResultDone) << said;
    EXPECT_EQ(jitted, loaded);
  }
  dyadicProgramDestroy(opened);
}

TEST_F(CAPITest, RunsInSeveralThreads) {
  addSamples();
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  ASSERT_EQ(dyadicModelLoad(model, reporter(), &program), DyadicResultDone) << said;
  std::vector<std::vector<float>> expected(16);
  for (size_t n = 0; n < 16; ++n)
    ASSERT_EQ(run(n, expected[n], program), DyadicResultDone) << said;
  EXPECT_NE(expected[0], expected[1]);
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 400; ++i) {
        size_t n = (i + t) % 16;
        std::vector<float> scores(10);
        DyadicInputBuffer input = {images.data() + n * 64, 256};
        DyadicOutputBuffer output = {scores.data(), 40};
        if (dyadicProgramRun(program, 1, &input, 1, &output, {nullptr, 0}, {nullptr, nullptr}) !=
                DyadicResultDone ||
            scores != expected[n])
          ++wrong[t];
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST_F(CAPITest, RefusesBuffersThatDoNotFit) {
  addSamples();
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  ASSERT_EQ(dyadicModelLoad(model, reporter(), &program), DyadicResultDone) << said;
  size_t arenaBytes = dyadicInterfaceGetArenaBytes(dyadicProgramGetInterface(program));
  alignas(64) static char arena[1 << 16];
  ASSERT_LE(arenaBytes + 64, sizeof arena);
  float scores[11];
  DyadicInputBuffer in = {images.data(), 256};
  DyadicOutputBuffer out = {scores, 40};
  auto refused = [&](const char *why, DyadicInputBuffer input, DyadicOutputBuffer output,
                     DyadicOutputBuffer work = {nullptr, 0}, size_t inputs = 1,
                     size_t outputs = 1) {
    EXPECT_EQ(dyadicProgramRun(program, inputs, &input, outputs, &output, work, reporter()),
              DyadicResultUsageError)
        << why;
    EXPECT_EQ(said, "error[] " + std::string(why) + "\n");
  };
  ASSERT_EQ(dyadicProgramRun(program, 1, &in, 1, &out, {arena, arenaBytes}, reporter()),
            DyadicResultDone);
  refused("expected 1 inputs, but got 0", in, out, {nullptr, 0}, 0);
  refused("expected 1 outputs, but got 2", in, out, {nullptr, 0}, 1, 2);
  refused("input \"image\": expected 256 bytes, but got 255", {images.data(), 255}, out);
  refused("input \"image\": expected 256 bytes, but got null", {nullptr, 256}, out);
  refused("input \"image\": expected memory aligned to 4 bytes",
          {reinterpret_cast<char *>(images.data()) + 1, 256}, out);
  std::string output =
      "output \"" +
      str(dyadicInterfaceGetOutput(dyadicProgramGetInterface(program), 0).name) + "\": ";
  refused((output + "expected 40 bytes, but got 44").c_str(), in, {scores, 44});
  refused((output + "expected 40 bytes, but got null").c_str(), in, {nullptr, 40});
  refused((output + "expected memory of its own, but it overlaps input \"image\"").c_str(), in,
          {images.data() + 60, 40});
  refused(("arena: expected at least " + std::to_string(arenaBytes) + " bytes, but got 1").c_str(),
          in, out, {arena, 1});
  refused("arena: expected memory aligned to 64 bytes", in, out, {arena + 8, arenaBytes});
  EXPECT_EQ(dyadicProgramRun(program, 1, nullptr, 1, &out, {nullptr, 0}, reporter()),
            DyadicResultUsageError);
  EXPECT_EQ(dyadicProgramRun({nullptr}, 1, &in, 1, &out, {nullptr, 0}, reporter()),
            DyadicResultUsageError);
}

TEST_F(CAPITest, RefusesModelsThatAreNone) {
  EXPECT_EQ(dyadicCompileFile(toRef("/nonexistent.onnx"), options, reporter(), &model),
            DyadicResultInputError);
  EXPECT_EQ(said, "error[/nonexistent.onnx] cannot read the model: No such file or directory\n");
  EXPECT_TRUE(dyadicModelIsNull(model));
  EXPECT_EQ(dyadicCompileMemory("junk", 4, toRef("some bytes"), options, reporter(), &model),
            DyadicResultInputError);
  EXPECT_EQ(said.find("error[some bytes] not an ONNX model"), 0u) << said;
  EXPECT_EQ(dyadicCompileMemory(nullptr, 4, toRef(""), options, reporter(), &model),
            DyadicResultUsageError);
  EXPECT_EQ(dyadicCompileFile(toRef("x"), {nullptr}, reporter(), &model), DyadicResultUsageError);
  EXPECT_EQ(dyadicCompileFile(toRef("x"), options, reporter(), nullptr), DyadicResultUsageError);
  // An error is located at its node.
  EXPECT_EQ(dyadicCompileFile(toRef(DYADIC_TEST_SOURCE_DIR "/Inputs/onnx/unsupported.onnx"),
                              options, reporter(), &model),
            DyadicResultInputError);
  EXPECT_EQ(said.find("error["), 0u);
  EXPECT_EQ(said.find("error[]"), std::string::npos) << said;
}

TEST_F(CAPITest, ExternalDataOfAModelInMemory) {
  std::string inputs = DYADIC_TEST_SOURCE_DIR "/Inputs/onnx", bytes = readFile(inputs + "/external.onnx");
  EXPECT_EQ(dyadicCompileMemory(bytes.data(), bytes.size(), toRef("m"), options, reporter(), &model),
            DyadicResultInputError);
  EXPECT_NE(said.find("external data file"), std::string::npos) << said;
  dyadicOptionsSetExternalDataFolder(options, toRef(inputs));
  EXPECT_EQ(dyadicCompileMemory(bytes.data(), bytes.size(), toRef("m"), options, reporter(), &model),
            DyadicResultDone)
      << said;
}

TEST_F(CAPITest, RefusesOptions) {
  auto refused = [&](const char *why, DyadicResult result = DyadicResultUsageError) {
    EXPECT_EQ(compileDigits(), result) << why;
    EXPECT_NE(said.find(why), std::string::npos) << said;
    EXPECT_TRUE(dyadicModelIsNull(model));
    dyadicOptionsDestroy(options);
    options = dyadicOptionsCreate();
  };
  dyadicOptionsSetTarget(options, toRef("z80-unknown-cpm"), toRef(""));
  refused("z80");
  dyadicOptionsSetTarget(options, toRef("native"), toRef("skylale"));
  refused("skylake");
  dyadicOptionsSetCPUFallback(options, true);
  refused("fallback: expected a GPU as the target");
  dyadicOptionsSetOptimizationLevel(options, 4);
  refused("expected an optimization level of 0 to 3, but got 4");
  dyadicOptionsSetThreads(options, 0);
  refused("threads: expected 1 to 256, but got 0");
  dyadicOptionsSetObserver(options, toRef("median"));
  refused("median");
  dyadicOptionsSetScheme(options, toRef("dynamite"));
  refused("scheme: expected one of static, dynamic, dynamic-tensor, weight-only, but got \"dynamite\"");
  int64_t shape[] = {-1, 1};
  dyadicOptionsSetShape(options, toRef("image"), 2, shape);
  refused("expected extents of at least 0 in the shape of input \"image\", but got -1");
  dyadicOptionsAddKeepFloat(options, toRef("conv1"));
  refused("expected calibration samples, but got none");
  addSamples();
  dyadicOptionsSetWeightRounding(options, toRef("up"));
  refused("weight rounding: expected one of nearest, gptq, adaround, awq, best, but got \"up\"");
  addSamples();
  dyadicOptionsAddActivations(options, toRef("no such op=int16"));
  refused("there is no op or input named \"no such op\"", DyadicResultInputError);
  addSamples();
  dyadicOptionsAddKeepFloat(options, toRef("no such op"));
  refused("there is no op named \"no such op\"", DyadicResultInputError);
  addSamples();
  dyadicOptionsSetCalibrationPath(options, toRef(kDigits + "calib.npz"));
  refused("in a file or in arrays, but got both");
}

TEST_F(CAPITest, GivesLayersOptionsOfTheirOwn) {
  // 16 bits take more memory than 8, 4 less; a file says the same as calls do.
  auto bytes = [&] {
    addSamples();
    EXPECT_EQ(compileDigits(), DyadicResultDone) << said;
    DyadicInterface interface = dyadicModelGetInterface(model);
    auto sizes = std::make_pair(dyadicInterfaceGetArenaBytes(interface),
                                dyadicInterfaceGetWeightBytes(interface));
    dyadicModelDestroy(model);
    model = {nullptr};
    dyadicOptionsDestroy(options);
    options = dyadicOptionsCreate();
    return sizes;
  };
  auto plain = bytes();
  dyadicOptionsAddActivations(options, toRef("conv*=int16"));
  dyadicOptionsAddWeights(options, toRef("fc=int4"));
  dyadicOptionsSetWeightRounding(options, toRef("nearest"));
  auto called = bytes();
  EXPECT_GT(called.first, plain.first);
  std::string path = folder + "/overrides.yaml";
  std::ofstream(path) << "conv*: {activations: int16}\nfc: {weights: int4}\n";
  dyadicOptionsSetOverrides(options, toRef(path));
  dyadicOptionsSetWeightRounding(options, toRef("nearest"));
  EXPECT_EQ(bytes(), called);
  dyadicOptionsAddWeights(options, toRef("fc=int4"));
  EXPECT_LT(bytes().second, plain.second);
  dyadicOptionsSetObserver(options, toRef("auto"));
  bytes();
}

TEST_F(CAPITest, RefusesSamples) {
  auto refused = [&](const char *why, DyadicResult result) {
    EXPECT_EQ(compileDigits(), result) << why;
    EXPECT_NE(said.find(why), std::string::npos) << said;
    dyadicOptionsDestroy(options);
    options = dyadicOptionsCreate();
  };
  auto add = [&](const char *name, std::vector<int64_t> shape, size_t bytes,
                 DyadicElementType type = DyadicElementTypeF32) {
    dyadicOptionsAddCalibrationArray(options, toRef(name), type, shape.size(), shape.data(),
                                     images.data(), bytes);
  };
  add("image", {2, 1, 8, 8}, 511);
  refused("samples \"image\": expected 512 bytes for its shape, but got 511",
          DyadicResultUsageError);
  add("image", {2, 1, 8, 8}, 512, DyadicElementType(99));
  refused("expected an element type, but got 99", DyadicResultUsageError);
  add("image", {-2, 1, 8, 8}, 512);
  refused("expected extents that memory can hold, but got -2", DyadicResultUsageError);
  add("image", {2, 64}, 512);
  refused("expected samples of 1x1x8x8 for input \"image\"", DyadicResultInputError);
  add("picture", {2, 1, 8, 8}, 512);
  refused("expected samples named \"image\", as the model's inputs are, but got \"picture\"",
          DyadicResultInputError);
  add("image", {0, 1, 8, 8}, 0);
  refused("there are no samples", DyadicResultInputError);
  images[70] = NAN;
  addSamples();
  refused("sample 1: expected finite values, but got NaN at [0, 0, 0, 6]",
          DyadicResultInputError);
}

TEST_F(CAPITest, RefusesFiles) {
  EXPECT_EQ(dyadicProgramOpen(toRef("/nonexistent.so"), reporter(), &program),
            DyadicResultInputError);
  EXPECT_EQ(said.find("error[] cannot load /nonexistent.so: "), 0u) << said;
  EXPECT_TRUE(dyadicProgramIsNull(program));
  std::ofstream(folder + "/text.so") << "text";
  EXPECT_EQ(dyadicProgramOpen(toRef(folder + "/text.so"), reporter(), &program),
            DyadicResultInputError);
  EXPECT_EQ(dyadicProgramOpen(toRef("libm.so.6"), reporter(), &program), DyadicResultInputError);
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  EXPECT_EQ(dyadicModelWrite(model, toRef("/nonexistent/x.o"), reporter()),
            DyadicResultInputError);
  EXPECT_NE(said.find("/nonexistent/x.o"), std::string::npos) << said;
  EXPECT_EQ(dyadicModelWrite(model, toRef(""), reporter()), DyadicResultUsageError);
  EXPECT_EQ(dyadicModelWrite({nullptr}, toRef("x.o"), reporter()), DyadicResultUsageError);
}

TEST_F(CAPITest, CodeForAnotherMachineIsWrittenButNotLoaded) {
  addSamples();
  dyadicOptionsSetTarget(options, toRef("aarch64-linux-gnu"), toRef("dotprod"));
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  EXPECT_EQ(str(dyadicModelGetLevel(model)), "dotprod");
  EXPECT_EQ(dyadicModelWrite(model, toRef(folder + "/x.o"), reporter()), DyadicResultDone) << said;
  EXPECT_EQ(readFile(folder + "/x.o").substr(18, 2), std::string("\xb7\0", 2)); // EM_AARCH64
  EXPECT_EQ(dyadicModelLoad(model, reporter(), &program), DyadicResultUsageError);
  EXPECT_NE(said.find("can't run in this process"), std::string::npos) << said;
}

TEST_F(CAPITest, CodeForAGPU) {
  addSamples();
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  DyadicProgram onCPU;
  ASSERT_EQ(dyadicModelLoad(model, reporter(), &onCPU), DyadicResultDone) << said;
  dyadicModelDestroy(model);
  std::vector<float> expected, got;
  ASSERT_EQ(run(2, expected, onCPU), DyadicResultDone) << said;
  dyadicProgramDestroy(onCPU);

  dyadicOptionsSetTarget(options, toRef("nvptx64"), toRef("sm_80"));
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  EXPECT_EQ(str(dyadicModelGetLevel(model)), "sm_80");
  ASSERT_EQ(dyadicModelWrite(model, toRef(folder + "/x.ptx"), reporter()), DyadicResultDone)
      << said;
  EXPECT_NE(readFile(folder + "/x.ptx").find(".target sm_80"), std::string::npos);
  EXPECT_EQ(dyadicModelLoad(model, reporter(), &program), DyadicResultUsageError);
  EXPECT_NE(said.find("write it to a shared library"), std::string::npos) << said;
  ASSERT_EQ(dyadicModelWrite(model, toRef(folder + "/x.so"), reporter()), DyadicResultDone)
      << said;
  if (dyadicProgramOpen(toRef(folder + "/x.so"), reporter(), &program) == DyadicResultDone) {
    ASSERT_EQ(run(2, got, program), DyadicResultDone) << said; // there is a GPU
    EXPECT_EQ(got, expected);
  } else {
    EXPECT_NE(said.find("cannot load "), std::string::npos) << said;
  }
  dyadicProgramDestroy(program);
  dyadicModelDestroy(model);

  dyadicOptionsSetCPUFallback(options, true);
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  for (const char *name : {"/y.so", "/z.so"}) { // the second from what the first left
    ASSERT_EQ(dyadicModelWrite(model, toRef(folder + name), reporter()), DyadicResultDone) << said;
    ASSERT_EQ(dyadicProgramOpen(toRef(folder + name), reporter(), &program), DyadicResultDone)
        << said;
    ASSERT_EQ(run(2, got, program), DyadicResultDone) << said;
    EXPECT_EQ(got, expected);
    dyadicProgramDestroy(program);
    program = {nullptr};
  }
}

TEST_F(CAPITest, VariantsInOneLibrary) {
  addSamples();
  if (std::string(DYADIC_TEST_ARCH) != "x86_64")
    GTEST_SKIP() << "the variants are x86's";
  dyadicOptionsSetTarget(options, toRef(""), toRef("scalar,avx2"));
  ASSERT_EQ(compileDigits(), DyadicResultDone) << said;
  std::string path = folder + "/x.so";
  ASSERT_EQ(dyadicModelWrite(model, toRef(path), reporter()), DyadicResultDone) << said;
  ASSERT_EQ(dyadicProgramOpen(toRef(path), reporter(), &program), DyadicResultDone) << said;
  std::vector<float> scores, again;
  ASSERT_EQ(run(2, scores, program), DyadicResultDone) << said;
  dyadicProgramDestroy(program);
  ASSERT_EQ(dyadicModelLoad(model, reporter(), &program), DyadicResultDone) << said;
  ASSERT_EQ(run(2, again, program), DyadicResultDone) << said;
  EXPECT_EQ(scores, again);
}

TEST_F(CAPITest, TheExampleInCWorks) {
  std::string command = DYADIC_C_EXAMPLE " " + kDigits + "digits.onnx " + kDigits + "calib.npz " +
                        folder + "/digits.so";
  FILE *pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string text;
  for (int c; (c = fgetc(pipe)) != EOF;)
    text += char(c);
  EXPECT_EQ(pclose(pipe), 0) << text;
  EXPECT_NE(text.find("image: 256 bytes in, 40 bytes out"), std::string::npos) << text;
  EXPECT_NE(text.find("\n9: "), std::string::npos) << text;
  ASSERT_EQ(dyadicProgramOpen(toRef(folder + "/digits.so"), reporter(), &program), DyadicResultDone)
      << said;
}

/// Whatever the library exports is ours.
TEST_F(CAPITest, ExportsNothingElse) {
  FILE *pipe = popen("nm -D --defined-only " DYADIC_C_LIBRARY " | awk '{ print $NF }'", "r");
  ASSERT_NE(pipe, nullptr);
  char symbol[1024];
  int count = 0;
  while (fscanf(pipe, "%1023s", symbol) == 1) {
    EXPECT_EQ(std::string(symbol).find("dyadic"), 0u) << symbol;
    ++count;
  }
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_GT(count, 20);
}
} // namespace

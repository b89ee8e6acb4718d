// The kernels for GPUs that are compiled in, against the calls that the rules allow. No GPU is needed.
#include "kernels/cuda/launch_table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "kernels/cuda/launch_shape.hpp"
#include "kernels/patterns.hpp"
#include "plan/support.hpp"

namespace symmbench {
namespace {

std::string text(const CallShape& shape) {
  std::ostringstream text;
  text << name_of(shape.workspace) << ' ' << name_of(shape.algorithm) << ' ' << name_of(shape.pattern) << ' '
       << name_of(shape.dtype) << " on " << shape.world_size << ", accumulate " << name_of(shape.accumulation)
       << ", trigger " << name_of(shape.trigger) << ", " << shape.message_bytes() << " bytes";
  return text.str();
}

/// Calls `f` with every call of the catalogue that may run on GPUs, small and with more rows than a GPU holds at once.
template <class F>
void for_each_allowed(F&& f) {
  for (const auto& workspace : kWorkspaceKinds) {
    for (const auto& algorithm : kAlgorithms) {
      for (const PatternSpec& spec : pattern_specs()) {
        for (const DType dtype : {DType::fp16, DType::bf16, DType::fp32}) {
          for (const int ranks : {2, 3, 4, 5, 8, 16, 32, kMaxRanks}) {
            for (const auto accumulation : {Accumulation::fp32, Accumulation::storage}) {
              for (const auto trigger : {TriggerPoint::early, TriggerPoint::end}) {
                for (const std::uint64_t tokens : {3, 1024}) {
                  if (!workspace.now || !algorithm.now || algorithm.reference) continue;
                  CallShape shape{.workspace = workspace.value, .algorithm = algorithm.value, .pattern = spec.pattern};
                  shape.dtype = dtype;
                  shape.world_size = ranks;
                  shape.tokens = tokens;
                  shape.hidden = 8192;
                  shape.accumulation = accumulation;
                  shape.trigger = trigger;
                  if (!impossible(shape, DeviceChoice::cuda) && !launch_problem(shape)) f(shape);
                }
              }
            }
          }
        }
      }
    }
  }
}

const cuda::LaunchRow* row_of_call(const CallShape& shape) { return row_for(cuda::launch_table(), shape); }

TEST_CASE("every call that the rules allow on GPUs has a kernel") {
  std::size_t calls = 0;
  for_each_allowed([&](const CallShape& shape) {
    ++calls;
    INFO(text(shape));
    CHECK(row_of_call(shape) != nullptr);
  });
  CHECK(calls > 1000);
}

TEST_CASE("every kernel runs some call: none stands behind others that serve the same") {
  std::set<const cuda::LaunchRow*> used;
  for_each_allowed([&](const CallShape& shape) { used.insert(row_of_call(shape)); });
  for (const auto& row : cuda::launch_table()) {
    INFO(name_of(row.key.workspace) << ' ' << name_of(row.key.algorithm) << ' ' << name_of(row.key.pattern) << ' '
                                    << name_of(row.key.dtype) << " on " << row.key.worlds.first << " to "
                                    << row.key.worlds.last << ": " << row.why);
    CHECK(used.contains(&row));
    CHECK(row.launch != nullptr);
  }
}

TEST_CASE("a call that asks for nothing special is not slowed down by what can be asked for") {
  for_each_allowed([&](const CallShape& shape) {
    const auto* row = row_of_call(shape);
    INFO(text(shape));
    if (row != nullptr) CHECK((row->key.form == KernelForm::fixed) == LaunchKey::wants_fixed(shape));
  });
}

TEST_CASE("the reason for each kernel stands in the kernels' README, and they are no more than a build has time for") {
  std::stringstream readme;
  readme << std::ifstream(KERNELS_README).rdbuf();
  std::set<cuda::Launch> kernels;
  for (const auto& row : cuda::launch_table()) {
    CHECK(readme.str().find("| " + std::string(row.why) + " |") != std::string::npos);
    kernels.insert(row.launch);
  }
  INFO(kernels.size() << " kernels");
  CHECK(kernels.size() <= 550);
}

}  // namespace
}  // namespace symmbench

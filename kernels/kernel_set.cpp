#include "kernels/kernel_set.hpp"

#include "core/names.hpp"

namespace symmbench {
namespace {

constexpr auto kAlgorithms = name_table<Algorithm>({{Algorithm::one_shot, "one_shot"},
                                                    {Algorithm::two_shot, "two_shot"},
                                                    {Algorithm::two_shot_barrier, "two_shot_barrier"},
                                                    {Algorithm::nccl, "nccl"}});
constexpr auto kPatterns =
    name_table<Pattern>({{Pattern::allreduce, "allreduce"}, {Pattern::residual_rmsnorm, "residual_rmsnorm"}});

}  // namespace

std::string_view name_of(Algorithm algorithm) { return kAlgorithms.name(algorithm); }
std::string_view name_of(Pattern pattern) { return kPatterns.name(pattern); }
std::optional<Algorithm> algorithm_from(std::string_view name) { return kAlgorithms.value(name); }
std::optional<Pattern> pattern_from(std::string_view name) { return kPatterns.value(name); }

}  // namespace symmbench

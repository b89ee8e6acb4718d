#include "job/launcher.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

namespace symmbench {
namespace {

/// Where launchers say how many processes they started: MPICH and its relatives, Slurm for a step, Open MPI.
constexpr const char* kCounts[] = {"PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS",
                                   "OMPI_COMM_WORLD_SIZE"};
/// PMIx leaves the rank alone.
constexpr const char* kRanks[] = {"PMIX_RANK"};

std::optional<int> number_of(const char* text) {
  if (text == nullptr) return std::nullopt;
  const std::string_view word(text);
  int value = 0;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
  return result.ec == std::errc{} && result.ptr == word.data() + word.size() ? std::optional(value) : std::nullopt;
}

std::string explain(const std::string& evidence) {
  return fmt::format(
      "the launcher started several processes ({}), but the MPI library of this program sees one rank in each: they "
      "belong "
      "to different MPIs. Start it with the mpirun of Open MPI, or with srun --mpi=pmix",
      evidence);
}

}  // namespace

std::optional<std::string> launcher_mismatch(int world_size, const char* (*value_of)(const char* name)) {
  if (world_size != 1) return std::nullopt;
  for (const char* name : kCounts) {
    const auto count = number_of(value_of(name));
    if (count.value_or(1) > 1) return explain(fmt::format("{}={}", name, *count));
  }
  for (const char* name : kRanks) {
    const auto rank = number_of(value_of(name));
    if (rank.value_or(0) > 0) return explain(fmt::format("{}={}", name, *rank));
  }
  return std::nullopt;
}

}  // namespace symmbench

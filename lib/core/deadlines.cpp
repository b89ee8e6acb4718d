#include "core/deadlines.hpp"

#include <algorithm>
#include <cmath>

namespace symmbench {

std::uint64_t longest_batch(const Deadlines& deadlines, double iteration_s) {
  const double fitting = deadlines.round_s / (kWorkFactor * std::max(iteration_s, 1e-9));
  return static_cast<std::uint64_t>(std::clamp(std::floor(fitting), 1.0, 1e12));
}

std::uint64_t split_batch(std::uint64_t iterations, std::uint64_t longest) {
  if (iterations <= longest) return iterations;
  const std::uint64_t parts = (iterations + longest - 1) / longest;
  return (iterations + parts - 1) / parts;
}

double assumed_iteration_s(int ranks, double sent_bytes, bool emulated) {
  // Emulated ranks hand each step over by a time slice each; 2 cores copied some 1 GB/s in all. A GPU's kernel is a
  // matter of microseconds and its links of 300 GB/s, but it may be clocked down or share them.
  if (emulated) return ranks * (1e-3 + sent_bytes / 100e6);
  return 1e-3 + sent_bytes / 1e9;
}

double assumed_fill_s(int ranks, double bytes, bool emulated) {
  return emulated ? ranks * bytes / 200e6 : bytes / 10e9;
}

double widening(const HostLoad& host) {
  const double tasks = std::max(host.load_1m, static_cast<double>(host.ranks));
  return std::clamp(tasks / std::max(host.cores, 0.01), 1.0, kMostWidening);
}

double widening(std::span<const HostLoad> hosts) {
  double most = 1;
  for (const HostLoad& host : hosts) most = std::max(most, widening(host));
  return most;
}

}  // namespace symmbench

#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "plan/make_plan.hpp"

namespace symmbench {

/// Every granularity seen on the machines of interest, and of the emulated device.
inline constexpr std::uint64_t kUsualGranularity = std::uint64_t{2} << 20;

struct AllocatorBytes {
  std::string allocator;
  std::uint64_t bytes = 0;  ///< physical memory of one rank's workspace
};

/// What one worker of a case group holds at its peak: a workspace per allocator, all at the same time because they are
/// measured interleaved, what the bench itself needs beside each, and the batch ring of its largest case.
struct GroupMemory {
  std::string id;  ///< CaseGroup::id
  std::vector<AllocatorBytes> workspaces;
  std::uint64_t bench_bytes = 0;  ///< segments of the bench itself, one by each allocator
  std::uint64_t ring_bytes = 0;
  std::uint64_t total_bytes() const;
};

/// Bytes of one rank, group by group. Case groups run one after the other, so a rank needs the largest of them.
struct MemoryEstimate {
  std::vector<GroupMemory> groups;
  std::uint64_t rank_bytes() const;
};

/// By the allocators' own arithmetic. For S-byte messages of a 16-bit type a pair of allocators comes to 8 W S per
/// rank, 8 W^2 S per host, beside the rings. `ring_bytes`: what a case's batches take (bench/batch_ring.hpp); may be
/// empty.
MemoryEstimate plan_memory(const Plan& plan, std::uint64_t granularity_bytes,
                           const std::function<std::uint64_t(const Case&)>& ring_bytes);

/// What the segments of a group's workspace hold on one rank, all of it filled when it is brought up; 0 for
/// a library's group, and for one that runs nothing.
double filled_bytes(const CaseGroup& group);

/// Crude: how long the plan takes, within a factor of two or three on an idle machine. Measured iterations, warm-up and
/// checks of every case, lifecycles and worker starts.
double expected_seconds(const Plan& plan, const RunConfig& config, bool emulated);

}  // namespace symmbench

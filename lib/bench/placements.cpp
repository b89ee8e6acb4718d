#include "bench/placements.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <random>

#include "bench/open_descriptors.hpp"
#include "memory/local_buffer.hpp"
#include "memory/vmm.hpp"

namespace symmbench {
namespace {

/// What a group may spend on bringing up placements beyond the first, whatever it needs them for.
constexpr double kBringUp_s = 15;

/// Memory that is in the way while a placement is brought up.
class Dummies {
 public:
  explicit Dummies(Driver& driver) : driver_(driver), with_physical_(driver.facts().posix_fd_supported) {
    if (with_physical_) granularity_ = driver.granularity({}, Granularity::recommended);
  }

  /// One to 16 blocks of physical memory, and some small allocations as workspaces have them beside their segments.
  void add(std::mt19937_64& random) {
    if (with_physical_) physical_.push_back(PhysicalMemory::create(driver_, (1 + random() % 16) * granularity_, {}));
    for (auto left = 1 + random() % 8; left > 0; --left) {
      local_.emplace_back(driver_, std::uint64_t{256} << random() % 10);
    }
  }

 private:
  Driver& driver_;
  bool with_physical_;
  std::uint64_t granularity_ = 0;
  std::vector<PhysicalMemory> physical_;
  std::vector<LocalBuffer> local_;
};

std::uint64_t allocated_bytes(const std::vector<SegmentFacts>& segments) {
  std::uint64_t bytes = 0;
  for (const auto& segment : segments) bytes += segment.memory.allocated_bytes;
  return bytes;
}

/// Whether so many more leave the rest of the process a quarter of its limit.
bool descriptors_allow(std::uint64_t more) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return true;
  return static_cast<std::uint64_t>(open_descriptors()) + more <= limit.rlim_cur / 4 * 3;
}

}  // namespace

Placements::Placements(WorkerContext& context, const WorkerConfig& config, Backend& backend,
                       std::map<std::string, AllocatorSetup>& setups)
    : context_(context),
      config_(config),
      backend_(backend),
      setups_(setups),
      unheard_(context.heartbeat, deadlines_of(config).round_s) {
  const std::uint64_t free_bytes = backend.driver->memory_info().free_bytes;
  const auto ranks = static_cast<std::uint64_t>(context.comm.size());
  share_bytes_ = backend.emulated ? free_bytes / (4 * ranks) : free_bytes / 2;
}

bool Placements::provide(std::size_t index) {
  while (further_.size() < index) {
    if (!room_for_another()) return false;
    bring_up_another();
  }
  return true;
}

AllocatorWorkspace Placements::at(const std::string& allocator, std::size_t index) const {
  AllocatorWorkspace place = setups_.at(allocator).ready();
  if (index > 0) place.workspace = further_[index - 1].at(allocator).get();
  return place;
}

void Placements::close() {
  for (auto& placement : further_) {
    for (auto& [allocator, workspace] : placement) {
      context_.heartbeat.allocator(allocator);
      workspace->close({.comm = context_.comm, .observer = &unheard_});
    }
  }
  further_.clear();
}

bool Placements::room_for_another() {
  if (full_) return false;
  std::uint64_t bytes = 0, segments = 0;
  for (const auto& name : ready_names()) {
    const auto facts = setups_.at(name).ready().workspace->facts();
    bytes += allocated_bytes(facts);
    segments += facts.size();
  }
  const auto ranks = static_cast<std::uint64_t>(context_.comm.size());
  Shortage mine = Shortage::none;
  if (spent_us_ > kBringUp_s * config_.deadline_scale * 1e6) mine = Shortage::time;
  if (!descriptors_allow(segments * ranks)) mine = Shortage::descriptors;
  if ((further_.size() + 1) * bytes > share_bytes_) mine = Shortage::memory;
  const auto everywhere = allgather_value(context_.comm, "room for a placement", mine);
  const auto worst = std::max_element(everywhere.begin(), everywhere.end());
  full_ = *worst != Shortage::none;
  if (full_ && context_.comm.rank() == 0) tell_shortage(*worst, static_cast<int>(worst - everywhere.begin()));
  return !full_;
}

void Placements::tell_shortage(Shortage what, int rank) {
  const std::string_view name = what == Shortage::memory ? "memory" : what == Shortage::time ? "time" : "descriptors";
  context_.records.append(to_json(EventRecord{
      .group = group_index(context_.comm),
      .what = "placements_limited",
      .detail = fmt::format("{}: {} placement{}, as rank {} has too little {} for more", context_.request.label,
                            further_.size() + 1, further_.empty() ? "" : "s", context_.comm.world_rank(rank), name),
      .data = nullptr}));
}

void Placements::bring_up_another() {
  const auto start = Clock::now();
  const std::uint64_t index = further_.size() + 1;
  // Every rank takes the allocators in the same order, and has dummies of its own.
  std::mt19937_64 common(config_.seed * 0x9E3779B97F4A7C15u + index);
  std::mt19937_64 own(common() + static_cast<std::uint64_t>(context_.comm.rank()));
  auto names = ready_names();
  std::shuffle(names.begin(), names.end(), common);
  Dummies dummies(*backend_.driver);
  ByAllocator placement;
  for (const auto& name : names) {
    collective_phase({.comm = context_.comm}, Phase::create, [&] { dummies.add(own); });
    context_.heartbeat.allocator(name);
    placement[name] = setups_.at(name).another_workspace(unheard_);
  }
  further_.push_back(std::move(placement));
  spent_us_ += microseconds_since(start);
  context_.heartbeat.allocator("");
  context_.heartbeat.phase(Phase::use);
}

std::vector<std::string> Placements::ready_names() const {
  std::vector<std::string> names;
  for (const auto& [name, setup] : setups_) {
    if (setup.ready().workspace != nullptr) names.push_back(name);
  }
  return names;
}

}  // namespace symmbench

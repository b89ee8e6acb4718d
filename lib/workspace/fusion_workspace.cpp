#include "workspace/fusion_workspace.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <exception>

#include "core/error.hpp"
#include "core/text.hpp"
#include "workspace/give_up_text.hpp"
#include "workspace/ownership.hpp"

namespace symmbench {
namespace {

constexpr std::uint32_t kCanary = 0xC0DEFACEu;

/// What every rank must want alike, or kernels index memory that is not there.
struct Wanted {
  std::int32_t world_size;
  std::uint64_t message_bytes, element_bytes;
  std::int64_t wait_limit_ns;
  bool operator==(const Wanted&) const = default;
};

std::string text_of(const Wanted& wanted) {
  return fmt::format("{} ranks, messages of {} bytes, elements of {} bytes, waits of {} ns", wanted.world_size,
                     wanted.message_bytes, wanted.element_bytes, wanted.wait_limit_ns);
}

Error workspace_error(Reason reason, std::string detail) {
  return Error({.layer = Layer::workspace, .reason = reason, .detail = std::move(detail)});
}

}  // namespace

std::unique_ptr<Workspace> Workspace::create(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                             Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec) {
  auto workspace = std::make_unique<FusionWorkspace>(context.comm, driver, stream, kernels, spec);
  workspace->build(context, allocator);
  return workspace;
}

FusionWorkspace::FusionWorkspace(const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels,
                                 const WorkspaceSpec& spec)
    : driver_(driver), stream_(stream), kernels_(kernels), spec_(spec) {
  for (int r = 0; r < comm.size(); ++r) world_ranks_.push_back(comm.world_rank(r));
  view_.rank = comm.rank();
  view_.world_size = comm.size();
}

FusionWorkspace::~FusionWorkspace() {
  if (closed_) return;
  if (built_) warn("workspace destroyed without close()");
  quietly([&] { stream_.synchronize(); });  // work that still runs must not find its memory gone
}

void FusionWorkspace::warn(std::string_view what) const {
  std::fprintf(stderr, "symmbench: warning: rank %d: %.*s\n", world_ranks_[view_.rank], static_cast<int>(what.size()),
               what.data());
}

void FusionWorkspace::quietly(const std::function<void()>& step) const {
  try {
    step();
  } catch (const std::exception& error) {
    warn(error.what());
  }
}

void FusionWorkspace::build(const PhaseContext& context, Allocator& allocator) {
  try {
    check_request(context, allocator);
    allocate(context, allocator);
    collective_phase(context, Phase::init, [&] {
      enqueue_start_state();
      enqueue_canaries();
      stream_.synchronize();
    });
    verify(context);
    built_ = true;
  } catch (const PhaseFailed&) {
    // Every rank is here, with the same segments: they can still be closed together. What failed first is what to tell.
    quietly([&] { stream_.synchronize(); });
    quietly([&] { close_segments(context); });
    closed_ = true;
    throw;
  }
}

void FusionWorkspace::check_request(const PhaseContext& context, const Allocator& allocator) {
  auto& comm = context.comm;
  const auto& layout = spec_.layout;
  collective_phase(context, Phase::create, [&] {
    const Wanted mine{layout.world_size, layout.message_bytes, layout.element_bytes, spec_.wait_limit.count()};
    const auto wanted = allgather_value(comm, "create: workspace request", mine);
    for (int r = 0; r < comm.size(); ++r) {
      if (wanted[r] == wanted[0]) continue;
      throw workspace_error(Reason::disagreement, fmt::format("rank {} wants {}; rank {} wants {}", world_ranks_[0],
                                                              text_of(wanted[0]), world_ranks_[r], text_of(wanted[r])));
    }
    if (const auto problem = layout_problem(layout)) throw workspace_error(Reason::invalid_argument, *problem);
    if (layout.world_size != comm.size()) {
      throw workspace_error(Reason::invalid_argument,
                            fmt::format("a workspace for {} ranks over a group of {}", layout.world_size, comm.size()));
    }
    if (spec_.wait_limit.count() <= 0) {
      throw workspace_error(Reason::invalid_argument, "a wait inside a kernel needs a positive limit");
    }
    const auto granularity = driver_.granularity({.handle = spec_.handle}, Granularity::recommended);
    const auto needed = workspace_bytes(layout, allocator, granularity);
    const auto free = driver_.memory_info().free_bytes;
    if (needed > free) {
      throw workspace_error(Reason::capacity_exceeded,
                            fmt::format("a workspace for messages of {} takes {} per rank, {} are free",
                                        format_bytes(layout.message_bytes), format_bytes(needed), format_bytes(free)));
    }
  });
}

void FusionWorkspace::allocate(const PhaseContext& context, Allocator& allocator) {
  const auto requests = segment_requests(spec_.layout);
  const std::optional<std::uint32_t> patterns[kSegments] = {std::nullopt, 0u, kSentinel};
  const auto ranks = world_ranks_.size();
  collective_phase(context, Phase::create, [&] {
    control_ = LocalBuffer(driver_, sizeof(ControlBlock));
    pointer_table_ = LocalBuffer(driver_, (kSegments * ranks + 1) * sizeof(std::uint64_t));
    marks_ = LocalBuffer(driver_, kSegments * std::size(kMarkPlaces) * ranks * kWordBytes);
    scanner_.emplace(driver_, stream_, kernels_);
  });
  for (int i = 0; i < kSegments; ++i) {
    segments_[i].request = requests[i];
    segments_[i].pattern = patterns[i];
    segments_[i].memory = allocator.allocate(context, driver_, requests[i].requested_bytes(), spec_.handle);
  }
  fill_view();
}

void FusionWorkspace::fill_view() {
  pointer_table_start_.clear();
  for (int i = 0; i < kSegments; ++i) {
    for (int r = 0; r < view_.world_size; ++r) {
      view_.segment[i].base[r] = segments_[i].memory->data(r);
      pointer_table_start_.push_back(view_.segment[i].base[r]);
    }
    view_.segment[i].bytes = segments_[i].request.used_bytes;
  }
  pointer_table_start_.push_back(control_.address());
  view_.control = control_.address();
  view_.pointer_table = pointer_table_.address();
  view_.give_up = spec_.give_up;
  view_.slot_bytes = spec_.layout.slot_bytes();
  view_.wait_limit_ns = static_cast<std::uint64_t>(spec_.wait_limit.count());
  control_start_.slot_bytes = view_.slot_bytes;
}

void FusionWorkspace::enqueue_start_state() {
  for (const auto& segment : segments_) {
    if (segment.pattern) stream_.fill(own(segment), *segment.pattern, segment.request.used_bytes / kWordBytes);
  }
  stream_.copy(to_pointer(control_.address()), &control_start_, sizeof(control_start_));
  stream_.copy(to_pointer(pointer_table_.address()), pointer_table_start_.data(),
               pointer_table_start_.size() * sizeof(std::uint64_t));
  if (auto* record = give_up_record()) *record = GiveUpRecord{};
}

void FusionWorkspace::enqueue_canaries() {
  for (const auto& segment : segments_) {
    stream_.fill(own(segment) + segment.request.used_bytes, kCanary, kCanaryBytes / kWordBytes);
  }
}

void FusionWorkspace::verify(const PhaseContext& context) {
  // Each step ends in the phase's vote, which is the barrier between writing, reading and restoring.
  collective_phase(context, Phase::verify, [&] {
    enqueue_marks();
    stream_.synchronize();
  });
  collective_phase(context, Phase::verify, [&] { require_marks(); });
  collective_phase(context, Phase::verify, [&] {
    restore_marks();
    require_patterns();
    check_canaries();
  });
}

DevicePtr FusionWorkspace::mark_address(const Segment& segment, int group_rank, bool last) const {
  return segment.memory->data(group_rank) + (last ? segment.request.used_bytes - kWordBytes : 0);
}

void FusionWorkspace::enqueue_marks() {
  for (int i = 0; i < kSegments; ++i) {
    for (const auto place : kMarkPlaces) {
      kernels_.write_word(stream_, mark_address(segments_[i], view_.rank, place == MarkPlace::last),
                          ownership_mark(i, view_.rank, place));
    }
  }
}

void FusionWorkspace::require_marks() {
  std::vector<MarkSeen> seen;
  std::vector<DevicePtr> addresses;
  for (int i = 0; i < kSegments; ++i) {
    for (int r = 0; r < view_.world_size; ++r) {
      for (const auto place : kMarkPlaces) {
        seen.push_back({.segment = i, .group_rank = r, .place = place});
        addresses.push_back(mark_address(segments_[i], r, place == MarkPlace::last));
      }
    }
  }
  std::vector<std::uint32_t> values(addresses.size());
  kernels_.read_words(stream_, addresses, marks_.address());
  stream_.copy(values.data(), to_pointer(marks_.address()), values.size() * kWordBytes);
  stream_.synchronize();

  std::string_view names[kSegments];
  for (int i = 0; i < kSegments; ++i) names[i] = segments_[i].request.name;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    seen[i].value = values[i];
    const auto problem = ownership_problem(seen[i], names, world_ranks_);
    if (!problem) continue;
    throw Error({.layer = Layer::workspace,
                 .reason = Reason::wrong_data,
                 .detail = *problem,
                 .peer = world_ranks_[seen[i].group_rank]});
  }
}

void FusionWorkspace::restore_marks() {
  for (const auto& segment : segments_) {
    for (const auto place : kMarkPlaces) {
      stream_.fill(mark_address(segment, view_.rank, place == MarkPlace::last), segment.pattern.value_or(0), 1);
    }
  }
}

void FusionWorkspace::require_patterns() {
  std::vector<Zone> zones;
  for (const auto& segment : segments_) {
    if (!segment.pattern) continue;
    zones.push_back({.what = fmt::format("segment {} of rank {}", segment.request.name, world_ranks_[view_.rank]),
                     .address = own(segment),
                     .words = segment.request.used_bytes / kWordBytes,
                     .pattern = *segment.pattern});
  }
  const auto damage = scanner_->first_damage(zones);
  if (!damage) return;
  const auto& zone = zones[damage->zone];
  throw workspace_error(
      Reason::wrong_data,
      fmt::format("{}: {} of {} words are not {:#010x} before use; the first at byte {} is {:#010x}", zone.what,
                  damage->wrong_words, zone.words, zone.pattern, damage->first_offset, damage->found));
}

std::vector<Zone> FusionWorkspace::canary_zones() const {
  std::vector<Zone> zones;
  for (const auto& segment : segments_) {
    zones.push_back({.what = fmt::format("segment {} of rank {}", segment.request.name, world_ranks_[view_.rank]),
                     .address = own(segment) + segment.request.used_bytes,
                     .words = kCanaryBytes / kWordBytes,
                     .pattern = kCanary});
  }
  return zones;
}

void FusionWorkspace::check_canaries() {
  const auto zones = canary_zones();
  const auto damage = scanner_->first_damage(zones);
  if (!damage) return;
  const auto used_bytes = segments_[damage->zone].request.used_bytes;
  throw workspace_error(
      Reason::corrupted,
      fmt::format("{}: canary overwritten, first at offset {} ({} bytes behind the {} used): {:#010x}; {} words in all",
                  zones[damage->zone].what, used_bytes + damage->first_offset, damage->first_offset, used_bytes,
                  damage->found, damage->wrong_words));
}

std::vector<SegmentFacts> FusionWorkspace::facts() const {
  std::vector<SegmentFacts> facts;
  for (const auto& segment : segments_) facts.push_back({std::string(segment.request.name), segment.memory->facts()});
  return facts;
}

std::optional<std::string> FusionWorkspace::capacity_problem(const CallShape& shape) const {
  return symmbench::capacity_problem(spec_.layout, shape);
}

GiveUpRecord* FusionWorkspace::give_up_record() const {
  return spec_.give_up_on_host ? spec_.give_up_on_host : static_cast<GiveUpRecord*>(to_pointer(spec_.give_up));
}

std::optional<Failure> FusionWorkspace::gave_up() const {
  auto* record = give_up_record();
  if (record == nullptr) return std::nullopt;
  // The kernel writes the tag last, so the rest is complete once it shows.
  if (std::atomic_ref(record->tag).load(std::memory_order_acquire) == 0) return std::nullopt;
  return explain_give_up(*record, world_ranks_, spec_.wait_limit);
}

void FusionWorkspace::reset(const PhaseContext& context) {
  // Nobody restores anything while a peer's kernel may still store into it.
  collective_phase(context, Phase::init, [&] { stream_.synchronize(); });
  collective_phase(context, Phase::init, [&] {
    enqueue_start_state();
    stream_.synchronize();
  });
}

void FusionWorkspace::close(const PhaseContext& context) {
  if (closed_) return;
  closed_ = true;
  std::exception_ptr first;
  const auto keep_going = [&](const auto& step) {
    try {
      step();
    } catch (const PhaseFailed&) {
      if (!first) first = std::current_exception();
    } catch (...) {
      // The ranks lost each other: each further step together would wait its whole time. The rest goes alone.
      for (auto& segment : segments_) segment.memory.reset();
      throw;
    }
  };
  keep_going([&] {
    collective_phase(context, Phase::close, [&] {
      stream_.synchronize();
      check_canaries();
    });
  });
  keep_going([&] { close_segments(context); });
  keep_going([&] {
    collective_phase(context, Phase::close, [&] {
      if (scanner_) scanner_->close();
      marks_.close();
      pointer_table_.close();
      control_.close();
    });
  });
  if (first) std::rethrow_exception(first);
}

void FusionWorkspace::close_segments(const PhaseContext& context) {
  std::exception_ptr first;
  for (auto& segment : segments_) {
    if (!segment.memory) continue;
    try {
      segment.memory->close(context);
    } catch (const PhaseFailed&) {
      if (!first) first = std::current_exception();
    }
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace symmbench

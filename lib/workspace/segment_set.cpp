#include "workspace/segment_set.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "core/error.hpp"
#include "workspace/ownership.hpp"

namespace symmbench {
namespace {

constexpr std::uint32_t kCanary = 0xC0DEFACEu;

Error workspace_error(Reason reason, std::string detail) {
  return Error({.layer = Layer::workspace, .reason = reason, .detail = std::move(detail)});
}

void run_part(const std::function<void()>& part) {
  if (part) part();
}

}  // namespace

std::uint64_t segment_bytes(std::span<const SegmentRequest> requests, const Allocator& allocator,
                            std::uint64_t granularity) {
  std::uint64_t bytes = 0;
  for (const auto& request : requests) bytes += allocator.allocated_bytes(request.requested_bytes(), granularity);
  return bytes;
}

SegmentSet::SegmentSet(std::string_view owner, const Communicator& comm, Driver& driver, Stream& stream,
                       KernelSet& kernels, const std::vector<SegmentRequest>& requests, LocalParts local)
    : owner_(owner),
      driver_(driver),
      stream_(stream),
      kernels_(kernels),
      rank_(comm.rank()),
      world_ranks_(world_ranks_of(comm)),
      local_(std::move(local)) {
  for (const auto& request : requests) segments_.push_back({.request = request, .memory = nullptr});
}

SegmentSet::~SegmentSet() {
  if (closed_) return;
  // On the way out of a failure nobody can close together any more, and that failure is what is told.
  if (created_ && std::uncaught_exceptions() == 0) warn(owner_ + " destroyed without close()");
  quietly([&] { stream_.synchronize(); });  // work that still runs must not find its memory gone
}

void SegmentSet::warn(std::string_view what) const {
  std::fprintf(stderr, "symmbench: warning: rank %d: %.*s\n", world_ranks_[rank_], static_cast<int>(what.size()),
               what.data());
}

void SegmentSet::quietly(const std::function<void()>& step) const {
  try {
    step();
  } catch (const std::exception& error) {
    warn(error.what());
  }
}

void SegmentSet::create(const PhaseContext& context, Allocator& allocator, HandleType handle) {
  or_close(context, [&] {
    allocate(context, allocator, handle);
    start(context);
    created_ = true;
  });
}

void SegmentSet::reattach(const PhaseContext& context, Allocator& allocator, HandleType handle) {
  or_close(context, [&] {
    collective_phase(context, Phase::close, [&] {
      stream_.synchronize();
      check_canaries();
    });
    std::vector<std::vector<AddressRange>> kept(segments_.size());
    collective_phase(context, Phase::close, [&] {
      for (std::size_t i = 0; i < segments_.size(); ++i) kept[i] = segments_[i].memory->detach();
    });
    allocate_segments(context, allocator, handle, std::move(kept));
    start(context);
  });
}

void SegmentSet::start(const PhaseContext& context) {
  collective_phase(context, Phase::init, [&] {
    enqueue_start_state();
    enqueue_canaries();
    stream_.synchronize();
  });
  verify(context);
}

void SegmentSet::or_close(const PhaseContext& context, const std::function<void()>& build) {
  try {
    build();
  } catch (const PhaseFailed&) {
    // Every rank is here, with the same segments: they can still be closed together. What failed first is what to tell.
    quietly([&] { stream_.synchronize(); });
    quietly([&] { close_segments(context); });
    quietly([&] { close_local_parts(); });
    closed_ = true;
    throw;
  }
}

void SegmentSet::allocate(const PhaseContext& context, Allocator& allocator, HandleType handle) {
  collective_phase(context, Phase::create, [&] {
    marks_ = LocalBuffer(driver_, segments_.size() * std::size(kMarkPlaces) * world_ranks_.size() * kWordBytes);
    scanner_.emplace(driver_, stream_, kernels_);
    run_part(local_.allocate);
  });
  allocate_segments(context, allocator, handle, {});
}

void SegmentSet::allocate_segments(const PhaseContext& context, Allocator& allocator, HandleType handle,
                                   std::vector<std::vector<AddressRange>> kept) {
  std::vector<MemoryRequest> requests;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const SegmentRequest& request = segments_[i].request;
    requests.push_back({request.requested_bytes(), request.name, kept.empty() ? nullptr : &kept[i]});
  }
  auto memory = allocator.allocate_all(context, driver_, requests, handle);
  for (std::size_t i = 0; i < segments_.size(); ++i) segments_[i].memory = std::move(memory[i]);
  for (const auto& segment : segments_) {
    if (segment.request.multicast) require_multicast(context, segment);
  }
}

void SegmentSet::require_multicast(const PhaseContext& context, const Segment& segment) const {
  collective_phase(context, Phase::multicast, [&] {
    if (segment.memory->multicast()) return;
    Failure failure = segment.memory->multicast_problem().value_or(
        Failure{.layer = Layer::memory, .reason = Reason::not_supported, .detail = "this allocator sets none up"});
    failure.detail = fmt::format("segment {} has no multicast address: {}", segment.request.name, failure.detail);
    throw Error(failure);
  });
}

SegmentView SegmentSet::view(std::size_t segment) const {
  SegmentView view;
  for (std::size_t r = 0; r < world_ranks_.size(); ++r) {
    view.base[r] = segments_[segment].memory->data(static_cast<int>(r));
  }
  view.multicast = segments_[segment].memory->multicast().value_or(0);
  view.bytes = segments_[segment].request.used_bytes;
  return view;
}

void SegmentSet::enqueue_start_state() {
  for (const auto& [request, memory] : segments_) {
    if (request.pattern) stream_.fill(memory->data(rank_), *request.pattern, request.used_bytes / kWordBytes);
  }
  run_part(local_.enqueue_start);
}

void SegmentSet::enqueue_canaries() {
  for (const auto& segment : segments_) {
    stream_.fill(own(segment) + segment.request.used_bytes, kCanary, kCanaryBytes / kWordBytes);
  }
}

void SegmentSet::verify(const PhaseContext& context) {
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

DevicePtr SegmentSet::mark_address(const Segment& segment, int group_rank, bool last) const {
  return segment.memory->data(group_rank) + (last ? segment.request.used_bytes - kWordBytes : 0);
}

void SegmentSet::enqueue_marks() {
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    for (const auto place : kMarkPlaces) {
      kernels_.write_word(stream_, mark_address(segments_[i], rank_, place == MarkPlace::last),
                          ownership_mark(static_cast<int>(i), rank_, place));
    }
  }
}

void SegmentSet::require_marks() {
  std::vector<MarkSeen> seen;
  std::vector<DevicePtr> addresses;
  std::vector<std::string_view> names;
  for (const auto& segment : segments_) {
    for (int r = 0; r < static_cast<int>(world_ranks_.size()); ++r) {
      for (const auto place : kMarkPlaces) {
        seen.push_back({.segment = static_cast<int>(names.size()), .group_rank = r, .place = place});
        addresses.push_back(mark_address(segment, r, place == MarkPlace::last));
      }
    }
    names.push_back(segment.request.name);
  }
  std::vector<std::uint32_t> values(addresses.size());
  kernels_.read_words(stream_, addresses, marks_.address());
  stream_.copy(values.data(), to_pointer(marks_.address()), values.size() * kWordBytes);
  stream_.synchronize();

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

void SegmentSet::restore_marks() {
  for (const auto& segment : segments_) {
    for (const auto place : kMarkPlaces) {
      stream_.fill(mark_address(segment, rank_, place == MarkPlace::last), segment.request.pattern.value_or(0), 1);
    }
  }
}

std::string SegmentSet::name_of(const Segment& segment) const {
  return fmt::format("segment {} of rank {}", segment.request.name, world_ranks_[rank_]);
}

void SegmentSet::require_patterns() {
  std::vector<Zone> zones;
  for (const auto& segment : segments_) {
    if (!segment.request.pattern) continue;
    zones.push_back({.what = name_of(segment),
                     .address = own(segment),
                     .words = segment.request.used_bytes / kWordBytes,
                     .pattern = *segment.request.pattern});
  }
  const auto damage = scanner_->first_damage(zones);
  if (!damage) return;
  const auto& zone = zones[damage->zone];
  throw workspace_error(
      Reason::wrong_data,
      fmt::format("{}: {} of {} words are not {:#010x} before use; the first at byte {} is {:#010x}", zone.what,
                  damage->wrong_words, zone.words, zone.pattern, damage->first_offset, damage->found));
}

std::vector<Zone> SegmentSet::canary_zones() const {
  std::vector<Zone> zones;
  for (const auto& segment : segments_) {
    zones.push_back({.what = name_of(segment),
                     .address = own(segment) + segment.request.used_bytes,
                     .words = kCanaryBytes / kWordBytes,
                     .pattern = kCanary});
  }
  return zones;
}

void SegmentSet::check_canaries() {
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

std::vector<SegmentFacts> SegmentSet::facts() const {
  std::vector<SegmentFacts> facts;
  for (const auto& segment : segments_) facts.push_back({std::string(segment.request.name), segment.memory->facts()});
  return facts;
}

void SegmentSet::reset(const PhaseContext& context) {
  // Nobody restores anything while a peer's kernel may still store into it.
  collective_phase(context, Phase::init, [&] { stream_.synchronize(); });
  collective_phase(context, Phase::init, [&] {
    enqueue_start_state();
    stream_.synchronize();
  });
}

void SegmentSet::close(const PhaseContext& context) {
  if (closed_ || !created_) return;  // half-built, it was closed by create(), or the ranks lost each other in it
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
  keep_going([&] { collective_phase(context, Phase::close, [&] { close_local_parts(); }); });
  if (first) std::rethrow_exception(first);
}

void SegmentSet::close_local_parts() {
  if (scanner_) scanner_->close();
  marks_.close();
  run_part(local_.close);
}

void SegmentSet::close_segments(const PhaseContext& context) {
  std::vector<SharedMemory*> memory;
  for (const auto& segment : segments_) memory.push_back(segment.memory.get());
  close_together(context, memory);
}

}  // namespace symmbench

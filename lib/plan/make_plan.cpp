#include "plan/make_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "config/option_value.hpp"
#include "core/rank_groups.hpp"
#include "core/text.hpp"
#include "kernels/patterns.hpp"
#include "plan/algorithm_choice.hpp"
#include "plan/shapes.hpp"
#include "plan/support.hpp"
#include "workspace/workspaces.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kNamedDuplicates = 3;  ///< how many a note names before it only counts

int checked_group_size(const RunConfig& config, int world_size) {
  const auto fail = [&](const std::string& problem) {
    fail_config(fmt::format("--group-size '{}': {}", config.group_size, problem));
  };
  const int size = config.ranks_per_group(world_size);
  if (size > world_size) fail(fmt::format("must be at most the number of ranks, which is {}", world_size));
  if (world_size % size != 0) fail(fmt::format("must divide the number of ranks, which is {}", world_size));
  if (size > kMaxRanks) {
    fail(fmt::format("must split the {} ranks into groups of at most {}: one workspace spans no more", world_size,
                     kMaxRanks));
  }
  return size;
}

/// Collects cases into groups, drops those that are planned already.
class PlanBuilder {
 public:
  PlanBuilder(Plan& plan, const RunConfig& config, int group, const MulticastOffer& offer)
      : plan_(plan), config_(config), group_(group), offer_(offer) {}

  void add_sweep(const Sweep& asked) {
    Sweep ours = asked;
    std::vector<Algorithm> references;
    std::erase_if(ours.algorithms, [&](const std::string& name) {
      if (!names_reference(name)) return false;
      references.push_back(*algorithm_from(name));
      return true;
    });
    if (!ours.algorithms.empty()) add_measured_cases(ours);
    for (const auto reference : references) add_library_cases(asked, reference);
  }

  void finish() {
    note_duplicates();
    std::erase_if(plan_.groups, [](const CaseGroup& group) { return group.cases.empty(); });
    for (auto& group : plan_.groups) size_workspace(group);
    if (config_.lifecycles > 0) add_lifecycles();
  }

 private:
  void add_measured_cases(const Sweep& sweep) {
    for (const auto& name : sweep.workspaces) {
      const auto workspace = *workspace_kind_from(name);
      for (const auto mode : sweep.multicast) {
        for (auto& planned : planned_transports(mode, workspace, config_.device, offer_)) {
          transport_ = std::move(planned);
          for (const auto& handle : sweep.handles) add_transport(sweep, workspace, handle);
        }
      }
    }
  }

  /// Allocators that cannot back the transport have groups of their own, of which nothing runs.
  void add_transport(const Sweep& sweep, WorkspaceKind workspace, const std::string& handle) {
    std::vector<std::string> able;
    for (const auto& name : sweep.allocators) {
      if (!allocator_problem(*allocator_from(name), transport_.transport)) able.push_back(name);
    }
    if (!able.empty()) add_patterns(sweep, measure_group(workspace, transport_.transport, handle, able));
    if (able.size() == sweep.allocators.size()) return;
    const PlannedTransport possible = transport_;
    for (const auto& name : sweep.allocators) {
      const auto problem = allocator_problem(*allocator_from(name), transport_.transport);
      if (!problem) continue;
      if (!transport_.skip) {
        transport_.skip = problem;
        transport_.multicast.used = false;
        transport_.multicast.reason = *problem;
      }
      add_patterns(sweep, measure_group(workspace, transport_.transport, handle, {name}));
      transport_ = possible;
    }
  }

  void add_patterns(const Sweep& sweep, CaseGroup& group) {
    for (const auto& pattern_name : sweep.patterns) {
      for (const auto dtype : sweep.dtypes) add_block(sweep, group, *pattern_from(pattern_name), dtype);
    }
  }

  CaseGroup& measure_group(WorkspaceKind workspace, TransportKind transport, const std::string& handle,
                           const std::vector<std::string>& allocators) {
    auto id = fmt::format("measure/{}/{}/{}", name_of(workspace), name_of(transport), handle);
    bool id_taken = false;
    for (auto& group : plan_.groups) {
      if (group.kind != GroupKind::measure || group.workspace != workspace || group.transport != transport ||
          group.handle_asked != handle) {
        continue;
      }
      if (group.allocators == allocators) return group;
      id_taken = true;
    }
    if (id_taken) id += fmt::format("/{}", fmt::join(allocators, "+"));
    plan_.groups.push_back({.kind = GroupKind::measure,
                            .id = id,
                            .workspace = workspace,
                            .transport = transport,
                            .handle_asked = handle,
                            .allocators = allocators});
    return plan_.groups.back();
  }

  /// Once, whatever workspaces, handles and allocators the sweep lists: the library takes none of them.
  void add_library_cases(Sweep sweep, Algorithm reference) {
    sweep.algorithms = {std::string(name_of(reference))};
    sweep.blocks = sweep.threads = 0;  // of our kernels
    sweep.pdl = true;
    sweep.accumulation = Accumulation::fp32;
    sweep.trigger = TriggerPoint::early;
    transport_ = {.multicast = multicast_of_reference()};
    for (const auto& pattern_name : sweep.patterns) {
      if (const auto pattern = *pattern_from(pattern_name); !spec_of(pattern).by_rows()) {
        for (const auto dtype : sweep.dtypes) add_block(sweep, library_group(reference), pattern, dtype);
      } else {
        add_note(fmt::format("{}: not run with {}, which has plain allreduce only", pattern_name, name_of(reference)));
      }
    }
  }

  CaseGroup& library_group(Algorithm reference) {
    const std::string name(name_of(reference));
    auto id = fmt::format("library/{}", name);
    const auto at =
        std::find_if(plan_.groups.begin(), plan_.groups.end(), [&](const CaseGroup& group) { return group.id == id; });
    if (at != plan_.groups.end()) return *at;
    plan_.groups.push_back(
        {.kind = GroupKind::library, .id = std::move(id), .handle_asked = "auto", .allocators = {name}});
    return plan_.groups.back();
  }

  /// One (pattern, dtype): blocks of hidden, in place and algorithm, each with its sizes in ascending order.
  void add_block(const Sweep& sweep, CaseGroup& group, Pattern pattern, DType dtype) {
    for (const auto hidden : sweep.hidden) {
      std::vector<std::string> notes;
      const auto shapes = message_shapes(sweep, pattern, dtype, hidden, notes);
      for (auto& note : notes) add_note(std::move(note));
      auto places = sweep.in_place;
      if (!spec_of(pattern).in_place && std::erase(places, true) > 0) {
        add_note(fmt::format("{}: not run in place, it has two outputs", name_of(pattern)));
      }
      if (config_.format == OutputFormat::nccl && !config_.tune) {
        // Both halves of a line, one after the other.
        for (const auto& algorithm : sweep.algorithms) {
          for (const auto& shape : shapes) {
            for (const bool in_place : places) add_case(sweep, group, pattern, dtype, shape, in_place, algorithm);
          }
        }
        continue;
      }
      for (const bool in_place : places) {
        if (config_.tune) {
          for (const auto& shape : shapes) add_contest(sweep, group, pattern, dtype, shape, in_place);
          continue;
        }
        for (const auto& algorithm : sweep.algorithms) {
          for (const auto& shape : shapes) add_case(sweep, group, pattern, dtype, shape, in_place, algorithm);
        }
      }
    }
  }

  /// --tune: the algorithms of one size one after the other, so that they meet the same machine. Those that cannot run
  /// are no rows; where none of the sweep can, two_shot_barrier stands in for them.
  void add_contest(const Sweep& sweep, CaseGroup& group, Pattern pattern, DType dtype, const MessageShape& message,
                   bool in_place) {
    const auto can_run = [&](const std::string& name) {
      return !impossible({.workspace = group.workspace,
                          .transport = group.transport,
                          .algorithm = *algorithm_from(name),
                          .pattern = pattern,
                          .dtype = dtype,
                          .world_size = plan_.group_size,
                          .tokens = message.tokens,
                          .hidden = message.hidden,
                          .parameters = sweep.parameters},
                         config_.device);
    };
    std::vector<std::string> contestants;
    std::copy_if(sweep.algorithms.begin(), sweep.algorithms.end(), std::back_inserter(contestants), can_run);
    if (contestants.empty()) contestants.emplace_back(name_of(Algorithm::two_shot_barrier));
    for (const auto& name : contestants) add_case(sweep, group, pattern, dtype, message, in_place, name);
  }

  void add_case(const Sweep& sweep, CaseGroup& group, Pattern pattern, DType dtype, const MessageShape& message,
                bool in_place, const std::string& algorithm) {
    Case added{.handle_asked = group.handle_asked,
               .group = group_,
               .group_size = plan_.group_size,
               .algorithm_asked = algorithm,
               .multicast = transport_.multicast,
               .shape = {.workspace = group.workspace,
                         .transport = group.transport,
                         .pattern = pattern,
                         .dtype = dtype,
                         .world_size = plan_.group_size,
                         .tokens = message.tokens,
                         .hidden = message.hidden,
                         .in_place = in_place,
                         .blocks = sweep.blocks,
                         .threads = sweep.threads,
                         .pdl = sweep.pdl,
                         .accumulation = sweep.accumulation,
                         .trigger = sweep.trigger,
                         .parameters = sweep.parameters},
               .asked_bytes = message.asked_bytes,
               .iters = sweep.iters,
               .warmup_iters = sweep.warmup_iters,
               .cudagraph = sweep.cudagraph,
               .buffers = in_place ? 0 : sweep.buffers};  // an in-place iteration needs its own
    added.auto_choice = choose_algorithm(added.shape, config_.tuning);
    added.shape.algorithm = algorithm == "auto" ? added.auto_choice.algorithm : *algorithm_from(algorithm);
    if (algorithm == "auto") note_undecided_tuning();
    added.skip = transport_.skip ? transport_.skip : impossible(added.shape, config_.device);
    added.vetoed = transport_.vetoed;
    const auto id = added.id();
    if (is_planned(id, group)) {
      duplicates_.push_back(id);
      return;
    }
    planned_[id].push_back(group.allocators);
    if (++cases_ > kMaxCases) {
      fail_config(
          fmt::format("the sweeps must give at most {} cases: give fewer sizes, shapes or algorithms", kMaxCases));
    }
    reserve(sweep, group, added, message.row);
    group.cases.push_back(std::move(added));
  }

  /// A workspace that holds more than its messages: so many rows of `row` elements, or so many bytes.
  static void reserve(const Sweep& sweep, CaseGroup& group, const Case& one, std::uint64_t row) {
    if ((sweep.workspace_tokens == 0 && sweep.workspace_bytes == 0) || one.skip || one.reference()) return;
    const bool by_tokens = sweep.workspace_tokens != 0;
    const auto fail = [&](const std::string& problem) {
      fail_config(by_tokens ? fmt::format("--workspace-tokens '{}': {}", sweep.workspace_tokens, problem)
                            : fmt::format("--workspace-bytes '{}': {}", sweep.workspace_bytes, problem));
    };
    CallShape most = one.shape;
    const auto element = element_bytes(most.dtype);
    most.hidden = by_tokens ? row : std::min(row, sweep.workspace_bytes / element);
    if (most.hidden == 0) fail("must hold an element");
    most.tokens = by_tokens ? sweep.workspace_tokens : sweep.workspace_bytes / (most.hidden * element);
    if (most.message_bytes() < one.shape.message_bytes()) {
      fail(fmt::format("holds {}, and {} needs {}", format_bytes(most.message_bytes()), one.id(),
                       format_bytes(one.shape.message_bytes())));
    }
    if (const auto problem = MessageCapacity(most).problem()) fail(*problem);
    group.capacity.add(most);
  }

  /// The same case under the same allocators is one row. Under partly the same ones it would give two rows with one
  /// key.
  bool is_planned(const std::string& id, const CaseGroup& group) const {
    const auto at = planned_.find(id);
    if (at == planned_.end()) return false;
    for (const auto& allocators : at->second) {
      if (allocators == group.allocators) return true;
      for (const auto& name : allocators) {
        if (std::find(group.allocators.begin(), group.allocators.end(), name) == group.allocators.end()) continue;
        fail_config(
            fmt::format("--allocator '{}': must be the same list as in the other sweep that has {}, or have "
                        "none in common with its '{}'",
                        fmt::join(group.allocators, ","), id, fmt::join(allocators, ",")));
      }
    }
    return false;
  }

  /// The host device has no shipped table, so there nothing remains to be decided.
  void note_undecided_tuning() {
    if (config_.tuning.name != TuningTable::kAutoTuning || config_.device == DeviceChoice::host) return;
    add_note(
        "--algorithm auto: planned with the computed limits; a run takes the tuning table of its device, if one is "
        "shipped (--tuning NAME plans with that)");
  }

  void note_duplicates() {
    if (duplicates_.empty()) return;
    const std::vector<std::string> named(duplicates_.begin(),
                                         duplicates_.begin() + std::min(duplicates_.size(), kNamedDuplicates));
    add_note(fmt::format("{} asked for twice, run once: {}{}",
                         duplicates_.size() == 1 ? "1 case is" : fmt::format("{} cases are", duplicates_.size()),
                         fmt::join(named, ", "), duplicates_.size() > kNamedDuplicates ? ", ..." : ""));
  }

  static void size_workspace(CaseGroup& group) {
    for (const auto& one : group.cases) {
      if (!one.skip && !one.reference()) group.capacity.add(one.shape);
    }
  }

  /// One per workspace, transport, handle asked and allocator, for all that is measured with them.
  void add_lifecycles() {
    std::vector<CaseGroup> added;
    for (const auto& measured : plan_.groups) {
      if (measured.capacity.empty()) continue;  // nothing of it can run here
      for (const auto& allocator : measured.allocators) {
        const auto id = fmt::format("lifecycle/{}/{}/{}/{}", name_of(measured.workspace), name_of(measured.transport),
                                    measured.handle_asked, allocator);
        const auto same = std::find_if(added.begin(), added.end(), [&](const auto& one) { return one.id == id; });
        if (same == added.end()) {
          added.push_back({.kind = GroupKind::lifecycle,
                           .id = id,
                           .workspace = measured.workspace,
                           .transport = measured.transport,
                           .handle_asked = measured.handle_asked,
                           .allocators = {allocator},
                           .capacity = measured.capacity,
                           .lifecycles = config_.lifecycles,
                           .soak_s = config_.soak_s,
                           .fresh = config_.lifecycle_fresh,
                           .concurrent = config_.concurrent,
                           .reattach = config_.reattach,
                           .pressure = config_.memory_pressure});
        } else {
          same->capacity.add(measured.capacity);
        }
      }
    }
    for (auto& group : added) plan_.groups.push_back(std::move(group));
  }

  void add_note(std::string note) {
    auto& notes = plan_.notes;
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(std::move(note));
  }

  Plan& plan_;
  const RunConfig& config_;
  int group_;
  const MulticastOffer& offer_;
  PlannedTransport transport_;  ///< of the cases that are being added
  std::size_t cases_ = 0;
  std::map<std::string, std::vector<std::vector<std::string>>> planned_;  ///< case id to the allocator lists it has
  std::vector<std::string> duplicates_;
};

}  // namespace

Plan make_plan(const RunConfig& config, int world_size, int group, const MulticastOffer& offer) {
  Plan plan{.world_size = world_size, .group_size = checked_group_size(config, world_size)};
  PlanBuilder builder(plan, config, group, offer);
  for (const auto& sweep : config.sweeps) builder.add_sweep(sweep);
  builder.finish();
  return plan;
}

}  // namespace symmbench

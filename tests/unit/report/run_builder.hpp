#pragma once
#include <string>
#include <vector>

#include "journal/records.hpp"
#include "report/fold.hpp"

namespace symmbench {

inline int exit_code(const Json& report) { return report["verdict"]["exit_code"].get<int>(); }

/// Makes the records of a small run: two allocators, `cases` sizes, one group of four ranks. Tests add what happened.
class RunBuilder {
 public:
  explicit RunBuilder(int cases = 2, std::vector<std::string> allocators = {"symm_device_memory", "torch_symm_mem"})
      : allocators_(std::move(allocators)) {
    started.tool = {{"version", "0.1.0"}, {"git", "abc"}, {"build", "Release"}};
    started.run = {{"command", "symmbench run"},
                   {"repro_command", "mpirun -n 4 symmbench run"},
                   {"config", Json::object()},
                   {"seed", 1},
                   {"started_at", "2026-01-31T23:59:58.000Z"}};
    started.device = {{"kind", "host"}, {"emulated", true}, {"asked", "auto"}, {"reason", "no GPU"}};
    started.world_size = 4;
    started.group_size = 4;
    for (int index = 0; index < cases; ++index) {
      for (const auto& allocator : allocators_) started.planned_rows.push_back(planned(index, allocator));
    }
    ended = {.ended_at = "2026-01-31T23:59:59.000Z", .complete = true};
  }

  static std::string case_id(int index) { return "case-" + std::to_string(index); }

  static Json planned(int index, const std::string& allocator) {
    const std::uint64_t bytes = std::uint64_t{16384} << index;
    return {{"case_id", case_id(index)},
            {"workspace", "trtllm_fusion"},
            {"transport", "unicast"},
            {"handle_asked", "auto"},
            {"group", 0},
            {"group_size", 4},
            {"algorithm", "one_shot"},
            {"algorithm_asked", "auto"},
            {"pattern", "allreduce"},
            {"epsilon", 1e-6},
            {"weight_bias", 0.0},
            {"quant_scale", nullptr},
            {"global_scale", nullptr},
            {"quant_group", nullptr},
            {"scale_layout", nullptr},
            {"experts", nullptr},
            {"top_k", nullptr},
            {"routed_scaling", nullptr},
            {"dtype", "bf16"},
            {"accumulate", "fp32"},
            {"in_place", false},
            {"tokens", bytes / 16384},
            {"hidden", 8192},
            {"message_bytes", bytes},
            {"asked_bytes", bytes},
            {"buffers_asked", 0},
            {"allocator", allocator},
            {"skip", nullptr}};
  }

  /// A passed row with `per_block` samples around `time_us` in each of two blocks of each of its `placements`.
  RowRecord ok(int index, const std::string& allocator, double time_us = 10, int per_block = 5,
               int placements = 6) const {
    const bool first = allocator == allocators_.front();
    RowRecord row{.case_id = case_id(index), .allocator = allocator, .status = "ok"};
    row.handle = {{"asked", "auto"}, {"used", "posix_fd"}, {"reason", "a trial passed"}};
    row.multicast = {{"asked", "off"}, {"used", "off"}, {"reason", "off unless asked for"}};
    row.launch = {{"blocks", 2},        {"threads", 1},  {"cluster", 1}, {"pdl", false},
                  {"trigger", nullptr}, {"graph", true}, {"buffers", 5}};
    row.iterations_per_batch = 8;
    for (int placement = 0; placement < placements; ++placement) {
      // Placements differ a little, as they do.
      const double luck = first && placements > 1 ? (placement % 2 == 0 ? 1.0003 : 0.9997) : 1;
      for (const int position : first ? std::vector{0, 3} : std::vector{1, 2}) {
        SampleBlock block{.position = 4 * placement + position, .placement = placement};
        for (int i = 0; i < per_block; ++i) block.batch_us.push_back(time_us * luck * (1 + 0.001 * i));
        row.blocks.push_back(block);
      }
    }
    row.rank_mean_us = {time_us, time_us * 0.9, time_us * 1.1, time_us * 0.8};
    row.checked_iterations = 80;
    row.max_error = 0;
    return row;
  }

  static Failure crash(int rank = 2) {
    return {.layer = Layer::worker,
            .reason = Reason::crashed,
            .detail = "killed by signal 9",
            .phase = Phase::use,
            .rank = rank,
            .code = 9};
  }

  /// A failure of case `index`; below zero: outside any case.
  FailureRecord failed(int index, int attempt, std::vector<std::string> allocators, bool alone = false) const {
    FailureRecord record{.attempt = attempt,
                         .allocators = std::move(allocators),
                         .alone = alone,
                         .status = "failed",
                         .failure = crash(),
                         .label = "group-0"};
    if (index >= 0) record.case_id = case_id(index);
    return record;
  }

  template <class Record>
  RunBuilder& add(const Record& record) {
    happened.push_back(to_json(record));
    return *this;
  }

  /// Every planned row passes.
  RunBuilder& add_all_ok() {
    for (std::size_t i = 0; i < started.planned_rows.size(); ++i) {
      add(ok(static_cast<int>(i / allocators_.size()), allocators_[i % allocators_.size()]));
    }
    return *this;
  }

  std::vector<Json> records() const {
    std::vector<Json> all{to_json(started)};
    all.insert(all.end(), happened.begin(), happened.end());
    if (ended) all.push_back(to_json(*ended));
    return all;
  }

  Json report() const { return fold_report(records()); }

  /// The row of a case and allocator in a folded report.
  static Json row(const Json& report, int index, const std::string& allocator) {
    for (const Json& candidate : report.at("results")) {
      if (candidate.at("case_id") == case_id(index) && candidate.at("allocator") == allocator) return candidate;
    }
    return nullptr;
  }

  RunStarted started;
  std::vector<Json> happened;
  std::optional<RunEnded> ended;

 private:
  std::vector<std::string> allocators_;
};

/// The row as a worker with this allocator alone would have given it.
inline RowRecord alone(RowRecord row, int attempt) {
  row.alone = true;
  row.attempt = attempt;
  return row;
}

inline const std::string kSymm = "symm_device_memory";
inline const std::string kTorch = "torch_symm_mem";
inline const std::string kIpc = "cuda_ipc";

}  // namespace symmbench

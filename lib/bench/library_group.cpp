#include "bench/library_group.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bench/case_runner.hpp"
#include "bench/group_rows.hpp"
#include "bench/library_kernels.hpp"
#include "bench/phase_clock.hpp"

namespace symmbench {
namespace {

class LibraryGroupRun {
 public:
  LibraryGroupRun(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend)
      : context_(context),
        config_(config),
        group_(group),
        backend_(backend),
        stream_(backend.driver->make_stream()),
        clock_(context.heartbeat, deadlines_of(config).round_s),
        choice_(backend.open_nccl(group.cases.front().shape.algorithm)) {}

  void run() {
    context_.heartbeat.allocator(group_.allocators.front());
    if (const auto reason = why_not()) return rows_without_run("skipped", *reason);
    try {
      bring_up();
    } catch (const PhaseFailed& failed) {
      if (ranks_lost_each_other(failed.failure())) throw;
      return rows_without_run("failed", "the library could not be brought up: " + describe(failed.failure()),
                              failed.failure());
    }
    LibraryWorkspace workspace(*choice_.library, context_.comm);
    CaseRunner runner(context_, config_, backend_, *stream_);
    for (std::size_t i = 0; i < context_.request.items.size(); ++i) {
      const Case& bench_case = case_of(group_, context_.request.items[i].case_id);
      context_.heartbeat.item(static_cast<int>(i));
      context_.heartbeat.phase(Phase::use);
      connect_size(bench_case);
      finish(i, bench_case, runner.run(bench_case, {{group_.allocators.front(), &workspace}}));
    }
    context_.heartbeat.item(-1);
    backend_.message_memory = {};
    collective_phase(phases(), Phase::close, [&] { choice_.library->close(limit()); });
  }

 private:
  PhaseContext phases() { return {.comm = context_.comm, .observer = &clock_}; }
  /// Of one step of the library, so that a rank which waits in vain still comes to the vote.
  std::chrono::nanoseconds limit() const { return context_.comm.step_timeout(); }

  /// Collective: why the library cannot be used by every rank, in the words of the first that cannot.
  std::optional<std::string> why_not() {
    const int usable = choice_.library != nullptr ? 1 : 0;
    const auto usables = allgather_value(context_.comm, "library", usable);
    const auto words =
        allgather_text(context_.comm, "library version", usable == 1 ? choice_.library->version() : choice_.problem);
    const bool everywhere = std::all_of(words.begin(), words.end(), [&](const auto& text) { return text == words[0]; });
    for (std::size_t i = 0; i < words.size(); ++i) {
      const int rank = context_.comm.world_rank(static_cast<int>(i));
      if (usables[i] == 0) return everywhere ? words[i] : fmt::format("rank {}: {}", rank, words[i]);
      if (words[i] != words[0]) {
        return fmt::format("rank {} has {}, rank {} {}", rank, words[i], context_.comm.world_rank(0), words[0]);
      }
    }
    return std::nullopt;
  }

  void bring_up() {
    CollectiveLibrary& library = *choice_.library;
    std::string id;
    collective_phase(phases(), Phase::exchange, [&] {
      if (context_.comm.rank() == 0) id = library.make_id();
    });
    id = allgather_text(context_.comm, "library id", id).front();
    collective_phase(phases(), Phase::init, [&] {
      library.connect(*stream_, id, context_.comm.rank(), context_.comm.size(), limit());
      backend_.kernels =
          std::make_unique<LibraryKernels>(std::move(backend_.kernels), library, *backend_.driver, *stream_);
    });
    backend_.message_memory = [this](std::uint64_t bytes) { return choice_.library->message_memory(bytes, limit()); };
  }

  /// A library connects ranks when a size first needs it, and that belongs neither in a capture nor in a time.
  void connect_size(const Case& bench_case) {
    context_.heartbeat.allow(deadlines_of(config_).round_s);
    const std::uint64_t bytes = bench_case.shape.message_bytes();
    const std::shared_ptr<void> own = backend_.message_memory(bytes);
    const LocalBuffer other = own ? LocalBuffer() : LocalBuffer(*backend_.driver, bytes);
    const DevicePtr message = own ? reinterpret_cast<DevicePtr>(own.get()) : other.address();
    stream_->fill(message, 0, bytes / 4);
    AllreduceCall call{.shape = bench_case.shape, .input = message};
    call.outputs[OutputKind::allreduce] = message;
    backend_.kernels->allreduce(*stream_, call);
    stream_->synchronize();
  }

  void finish(std::size_t item, const Case& bench_case, std::vector<RowRecord> rows) {
    if (context_.comm.rank() != 0) return;
    for (auto& row : rows) {
      row.alone = context_.request.alone;
      row.handle = Json{{"asked", group_.handle_asked},
                        {"used", nullptr},
                        {"reason", choice_.library ? choice_.library->version() + ", " + choice_.library->about_memory()
                                                   : std::string("no library")}};
      row.multicast = bench_case.multicast.to_json();
      if (!row.blocks.empty()) row.launch = Json{{"graph", true}};  // the rest is the library's choice, and unknown
      context_.records.append(to_json(row));
    }
    context_.item_done(static_cast<int>(item));
  }

  void rows_without_run(const std::string& status, const std::string& reason,
                        const std::optional<Failure>& failure = {}) {
    for (std::size_t i = 0; i < context_.request.items.size(); ++i) {
      const Case& bench_case = case_of(group_, context_.request.items[i].case_id);
      finish(i, bench_case,
             {row_without_run(bench_case, context_, group_.allocators.front(), status, reason, failure)});
    }
  }

  WorkerContext& context_;
  const WorkerConfig& config_;
  const CaseGroup& group_;
  Backend& backend_;
  std::unique_ptr<Stream> stream_;
  PhaseClock clock_;
  LibraryChoice choice_;
};

}  // namespace

void run_library_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend) {
  LibraryGroupRun(context, config, group, backend).run();
}

}  // namespace symmbench

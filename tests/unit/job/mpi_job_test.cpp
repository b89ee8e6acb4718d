#include "job/mpi_job.hpp"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <thread>

#include "comm/thread_transport.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;

namespace {

class Listener final : public RecordSink {
 public:
  void append(const Json& record) override { heard.push_back(record); }
  std::vector<Json> heard;
};

JobOptions options_of_two(WorkerTask task) {
  return {.command = "symmbench test",
          .job_nonce = "mpi-job-test",
          .group_size = 2,
          .deadlines = deadlines_of(20, 1),
          .isolate = false,
          .task = std::move(task)};
}

/// Two ranks as threads, workers as threads of theirs.
struct TwoRanks {
  std::vector<int> exit_codes = std::vector<int>(2, -1);
  bool orderly = false;

  void run(const std::string& journal_dir, const WorkerTask& task, const std::function<int(MpiJob&)>& coordinate) {
    ThreadTransportHub hub(2);
    JournalWriter journal(journal_dir, 0);  // first, as in a run: rank 0 makes the folder and removes it
    std::thread other([&] {
      const auto transport = hub.endpoint(1);
      JournalWriter others_journal(journal_dir, 1);
      MpiJob job(*transport, options_of_two(task), &others_journal);
      exit_codes[1] = job.serve();
    });
    const auto transport = hub.endpoint(0);
    MpiJob job(*transport, options_of_two(task), &journal);
    exit_codes[0] = coordinate(job);
    orderly = job.orderly();
    other.join();
  }
};

void say_rank(WorkerContext& context) {
  context.records.append(Json{{"type", "said"}, {"rank", context.comm.rank()}, {"task", context.request.task}});
}

}  // namespace

TEST_CASE("rank 0 has every rank's records, its listener hears them, and all leave with one code") {
  const ScratchFolder scratch;
  Listener listener;
  TwoRanks ranks;
  ranks.run(scratch / "journal", say_rank, [&](MpiJob& job) {
    job.listen(listener);
    job.append({{"type", "own"}});
    const auto outcome = job.run(std::vector{WorkRequest{.task = "greet", .label = "greet"}});
    CHECK_FALSE(outcome.interrupted);
    CHECK(job.records_of("said").size() == 2);
    CHECK(job.records_of("own").size() == 1);
    CHECK(job.records() == listener.heard);
    job.finish(4, true);
    return 4;
  });
  CHECK(ranks.exit_codes == std::vector{4, 4});
  CHECK(ranks.orderly);
  CHECK_FALSE(std::filesystem::exists(scratch / "journal"));
}

TEST_CASE("journals that are still needed stay on every rank, each with its own records") {
  const ScratchFolder scratch;
  TwoRanks ranks;
  ranks.run(scratch / "journal", say_rank, [&](MpiJob& job) {
    job.run(std::vector{WorkRequest{.task = "greet", .label = "greet"}});
    job.finish(3, false);
    return 3;
  });
  for (const int rank : {0, 1}) {
    const auto text = read_text(scratch / ("journal/rank-" + std::to_string(rank) + ".jsonl"));
    CHECK(text.find("\"rank\":" + std::to_string(rank)) != std::string::npos);
    CHECK(text.find("\"rank\":" + std::to_string(1 - rank)) == std::string::npos);
  }
}

TEST_CASE("each group of ranks can be given work of its own") {
  const ScratchFolder scratch;
  TwoRanks ranks;
  std::vector<int> asked;
  ranks.run(scratch / "journal", say_rank, [&](MpiJob& job) {
    job.run([&](int group) {
      asked.push_back(group);
      return std::vector{WorkRequest{.task = "of group " + std::to_string(group), .label = "one"}};
    });
    CHECK(job.records_of("said").at(0).at("task") == "of group 0");
    job.finish(0, true);
    return 0;
  });
  CHECK(asked == std::vector{0});
}

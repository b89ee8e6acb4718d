#include "supervised_job.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "comm/thread_transport.hpp"

namespace symmbench::test {

void SupervisedJob::run(const std::vector<WorkRequest>& work, int exit_code) {
  ThreadTransportHub hub(ranks);
  exit_codes.assign(static_cast<std::size_t>(ranks), -1);
  journals.assign(static_cast<std::size_t>(ranks), {});
  const SupervisorOptions options{.job_nonce = "nonce",
                                  .group_size = group_size,
                                  .round_s = round_s,
                                  .watchdog_s = watchdog_s,
                                  .settle_s = settle_s,
                                  .isolate = isolate,
                                  .worker_argv = scripted_worker_argv(),
                                  .task = scripted_task};
  std::vector<std::thread> threads;
  std::vector<std::unique_ptr<Transport>> endpoints;
  for (int rank = 0; rank < ranks; ++rank) endpoints.push_back(hub.endpoint(rank));
  for (int rank = 1; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      const auto i = static_cast<std::size_t>(rank);
      Supervisor supervisor(*endpoints[i], options, journals[i], nullptr);
      exit_codes[i] = supervisor.serve();
    });
  }
  threads.emplace_back([&] {
    Supervisor supervisor(*endpoints[0], options, journals[0], &all);
    std::thread other(meanwhile);
    outcome = supervisor.run(work, time_limit_s);
    other.join();
    orderly = supervisor.finish(exit_code);
    exit_codes[0] = exit_code;
  });
  for (auto& thread : threads) thread.join();
}

std::vector<Json> SupervisedJob::of_type(const std::string& type) const {
  std::vector<Json> list;
  std::copy_if(all.records.begin(), all.records.end(), std::back_inserter(list),
               [&](const Json& record) { return record.at("type") == type; });
  return list;
}

FailureRecord SupervisedJob::only_failure() const {
  const auto failures = of_type("failure");
  REQUIRE(failures.size() == 1);
  return failure_record_from(failures[0]);
}

std::string SupervisedJob::rows() const {
  std::string text;
  for (const Json& row : of_type("row")) {
    if (!text.empty()) text += ' ';
    text += row.at("case_id").get<std::string>() + ':';
    for (std::size_t i = 0; i < row.at("allocators").size(); ++i) {
      text += (i ? "," : "") + row.at("allocators")[i].get<std::string>();
    }
    if (row.at("alone")) text += '!';
  }
  return text;
}

std::vector<int> children() {
  std::vector<int> pids;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "children");
    for (int pid; file >> pid;) pids.push_back(pid);
  }
  return pids;
}

}  // namespace symmbench::test

#include "scripted_worker.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>

namespace symmbench::test {
namespace {

[[noreturn]] void spin() {
  volatile bool forever = true;
  while (forever) {
  }
  std::abort();
}

void misbehave(const std::string& what, WorkerContext& context) {
  if (what == "segv") {
    signal(SIGSEGV, SIG_DFL);  // whatever the test framework or a sanitizer put there
    raise(SIGSEGV);
  } else if (what == "exit 7") {
    _exit(7);
  } else if (what == "stop") {
    context.heartbeat.driver_call("cuMemMap");
    raise(SIGSTOP);
  } else if (what == "spin") {
    context.heartbeat.driver_call("cuCtxSynchronize");
    context.heartbeat.allow(0.2);
    spin();
  } else if (what == "throw") {
    throw Error{{.layer = Layer::driver, .reason = Reason::not_permitted, .call = "cuMemCreate", .code = 800}};
  } else if (what == "tell environment") {
    const char* const nvls = getenv("NCCL_NVLS_ENABLE");
    context.records.append({{"type", "environment"}, {"NCCL_NVLS_ENABLE", nvls ? Json(nvls) : Json(nullptr)}});
  }
}

bool wants(const Json& misdeed, const WorkerContext& context, const WorkItem* item) {
  if (misdeed.at("rank") != context.comm.world_rank(context.comm.rank())) return false;
  if (context.request.attempt >= misdeed.at("until_attempt")) return false;
  if (misdeed.at("item") != (item ? item->case_id : "")) return false;
  const auto allocators = item ? item->allocators : allocators_of(context.request);
  return misdeed.at("allocator") == "" ||
         std::any_of(allocators.begin(), allocators.end(), [&](auto& name) { return misdeed.at("allocator") == name; });
}

/// True when the rank is to leave.
bool act(WorkerContext& context, const WorkItem* item) {
  for (const Json& misdeed : context.request.settings.at("misdeeds")) {
    if (!wants(misdeed, context, item)) continue;
    if (misdeed.at("what") == "leave") return true;
    misbehave(misdeed.at("what"), context);
  }
  return false;
}

}  // namespace

WorkRequest scripted_request(const std::string& label, const std::vector<WorkItem>& items,
                             const std::vector<Misdeed>& misdeeds) {
  Json list = Json::array();
  for (const Misdeed& misdeed : misdeeds) {
    list.push_back({{"rank", misdeed.rank},
                    {"item", misdeed.item},
                    {"allocator", misdeed.allocator},
                    {"what", misdeed.what},
                    {"until_attempt", misdeed.until_attempt}});
  }
  return {.task = "scripted", .label = label, .settings = {{"misdeeds", list}}, .items = items};
}

void scripted_task(WorkerContext& context) {
  context.heartbeat.allow(60);
  barrier(context.comm, "start");
  if (act(context, nullptr)) return;
  context.heartbeat.phase(Phase::use);
  for (std::size_t i = 0; i < context.request.items.size(); ++i) {
    const WorkItem& item = context.request.items[i];
    context.heartbeat.item(static_cast<int>(i));
    barrier(context.comm, item.case_id + ": begin");
    if (act(context, &item)) return;
    const auto ranks = allgather_value(context.comm, item.case_id + ": end", context.comm.rank());
    if (context.comm.rank() != 0) continue;
    context.records.append({{"type", "row"},
                            {"case_id", item.case_id},
                            {"allocators", item.allocators},
                            {"alone", context.request.alone},
                            {"ranks", ranks.size()},
                            {"leader", context.comm.world_rank(0)},
                            {"nonce", context.job_nonce}});
    context.item_done(static_cast<int>(i));
  }
  barrier(context.comm, "end");
}

std::vector<std::string> scripted_worker_argv() { return {"/proc/self/exe", "worker main of the scripted workers"}; }

TEST_CASE("worker main of the scripted workers", "[.]") { _exit(worker_main(scripted_task)); }

}  // namespace symmbench::test

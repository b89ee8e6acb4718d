#include <atomic>
#include <barrier>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>

#include "device/host/host_stream.hpp"
#include "kernels/protocol/number.hpp"
#include "support/bench_group.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

/// What the ranks of one test share: where each one's input is, and a place to meet.
struct Meeting {
  explicit Meeting(int ranks) : inputs(static_cast<std::size_t>(ranks)), everybody(ranks) {}
  std::vector<DevicePtr> inputs;
  std::barrier<> everybody;
};

struct Habits {
  bool rounds_each_sum = false;     ///< keeps partial sums in bf16, as a ring does
  bool starts_at_own_rank = false;  ///< in that order, so that ranks may differ in bits
  int adds_to_rank = -1;            ///< whose outputs are wrong
  int fails_to_connect = -1;
  int fails_behind = -1;
  std::atomic<int>* held = nullptr;  ///< has memory of its own: counts what of it is not given back
};

/// A library that sums bf16 and fp32 on emulated streams, by reading its peers' inputs.
class FakeLibrary final : public CollectiveLibrary {
 public:
  FakeLibrary(Meeting& meeting, int rank, const Habits& habits) : meeting_(meeting), rank_(rank), habits_(habits) {}

  std::string version() const override { return "Fake 1.0"; }
  std::string make_id() override { return std::string("i\0d", 3); }
  void connect(Stream&, const std::string& id, int rank, int size, std::chrono::nanoseconds) override {
    require(id == std::string("i\0d", 3) && rank == rank_ && size == static_cast<int>(meeting_.inputs.size()));
    if (rank != habits_.fails_to_connect) return;
    throw Error(
        {.layer = Layer::driver, .reason = Reason::io_error, .call = "fakeInit", .detail = "no socket", .code = 2});
  }
  void allreduce(Stream& stream, DevicePtr input, DevicePtr output, std::uint64_t elements, DType dtype) override {
    static_cast<HostStream&>(stream).launch(1, [=, this](std::uint32_t) {
      meeting_.inputs[static_cast<std::size_t>(rank_)] = input;
      meeting_.everybody.arrive_and_wait();
      // In place: everybody reads before anybody writes.
      std::vector<float> sums(elements);
      for (std::uint64_t i = 0; i < elements; ++i) sums[i] = dtype == DType::bf16 ? sum<Bf16>(i) : sum<float>(i);
      meeting_.everybody.arrive_and_wait();
      for (std::uint64_t i = 0; i < elements; ++i) {
        if (dtype == DType::bf16) reinterpret_cast<Bf16*>(output)[i] = round_to<Bf16>(sums[i]);
        if (dtype == DType::fp32) reinterpret_cast<float*>(output)[i] = sums[i];
      }
    });
  }
  std::optional<Failure> async_failure() const override {
    if (rank_ != habits_.fails_behind) return std::nullopt;
    return Failure{.layer = Layer::driver, .reason = Reason::peer_failed, .call = "fakeAsync", .detail = "gone"};
  }
  std::shared_ptr<void> message_memory(std::uint64_t bytes, std::chrono::nanoseconds) override {
    if (habits_.held == nullptr) return nullptr;
    ++*habits_.held;
    return {std::aligned_alloc(256, (bytes + 255) / 256 * 256), [held = habits_.held](void* memory) {
              std::free(memory);
              --*held;
            }};
  }
  std::string about_memory() const override {
    return habits_.held == nullptr ? CollectiveLibrary::about_memory() : "in memory of its own";
  }
  void close(std::chrono::nanoseconds) override {
    if (habits_.held != nullptr) meeting_.everybody.arrive_and_wait();
    require(habits_.held == nullptr || *habits_.held == 0);
  }

 private:
  template <class T>
  float sum(std::uint64_t i) const {
    const auto ranks = meeting_.inputs.size();
    const auto first = habits_.starts_at_own_rank ? static_cast<std::size_t>(rank_) : 0;
    float total = 0;
    for (std::size_t step = 0; step < ranks; ++step) {
      const auto* input = reinterpret_cast<const T*>(meeting_.inputs[(first + step) % ranks]);
      total = step == 0 ? to_float(input[i]) : total + to_float(input[i]);
      if (habits_.rounds_each_sum) total = to_float(round_to<T>(total));
    }
    return rank_ == habits_.adds_to_rank && i == 5 ? total + 1 : total;
  }

  Meeting& meeting_;
  int rank_;
  Habits habits_;
};

RunConfig small_library_run(const Json& more = Json::object()) {
  Json options{{"minbytes", "4K"},    {"maxbytes", "4K"},  {"iters", "8"},        {"cudagraph", "2"},
               {"warmup_iters", "2"}, {"lifecycles", "0"}, {"algorithm", "nccl"}, {"datatype", "bf16,fp32"}};
  options.update(more);
  return config_of(options);
}

std::vector<RowRecord> rows_with(int ranks, const Habits& habits, const RunConfig& config = small_library_run()) {
  Meeting meeting(ranks);
  return rows_in(run_group(ranks, config, 0, {.open_library = [&](int rank) {
                             return LibraryChoice{.library = std::make_unique<FakeLibrary>(meeting, rank, habits)};
                           }}));
}

}  // namespace

TEST_CASE("a library gives one verified row per case, whatever allocators and handles were asked for") {
  const auto rows = rows_with(3, {}, small_library_run({{"in_place", "off,on"}, {"handle", "auto,upstream"}}));
  REQUIRE(rows.size() == 2 * 2);
  for (const auto& row : rows) {
    INFO(row.case_id << " " << row.reason.value_or(""));
    CHECK(row.status == "ok");
    CHECK(row.allocator == "nccl");
    CHECK(row.wrong_elements == 0);
    CHECK(row.checked_iterations == 2 + 8);
    CHECK(row.rank_mean_us.size() == 3);
    CHECK(row.launch == Json{{"graph", true}});
    CHECK(row.handle.at("used").is_null());
    CHECK(row.handle.at("reason") == "Fake 1.0, with buffers of its own");
  }
}

TEST_CASE("a library's own memory holds what it sums, and is given back before it closes") {
  std::atomic<int> held{0};
  const auto rows = rows_with(3, {.held = &held});
  REQUIRE(rows.size() == 2);
  for (const auto& row : rows) {
    INFO(row.case_id << " " << row.reason.value_or(""));
    CHECK(row.status == "ok");
    CHECK(row.handle.at("reason") == "Fake 1.0, in memory of its own");
  }
  CHECK(held == 0);
}

TEST_CASE("a library may round its partial sums, in another order on each rank, and no more than that") {
  for (const auto& row : rows_with(4, {.rounds_each_sum = true, .starts_at_own_rank = true})) {
    INFO(row.case_id << " " << row.reason.value_or(""));
    CHECK(row.status == "ok");
    CHECK(*row.max_error > 0);
  }
  const auto rows = rows_with(2, {.adds_to_rank = 1});
  REQUIRE(rows.size() == 2);
  for (const auto& row : rows) {
    CHECK(row.status == "failed");
    CHECK(row.failure->reason == Reason::wrong_data);
    CHECK(row.failure->rank == 1);
    CHECK(row.wrong_elements > 0);
  }
}

TEST_CASE("where one rank has no library the rows are skipped on all, naming it") {
  Meeting meeting(3);
  const auto rows =
      rows_in(run_group(3, small_library_run(), 0, {.open_library = [&](int rank) {
                          if (rank == 2) return LibraryChoice{.problem = "libnccl.so.2: not there"};
                          return LibraryChoice{.library = std::make_unique<FakeLibrary>(meeting, rank, Habits{})};
                        }}));
  REQUIRE(rows.size() == 2);
  for (const auto& row : rows) {
    CHECK(row.status == "skipped");
    CHECK(row.reason == "rank 2: libnccl.so.2: not there");
  }
}

TEST_CASE("on a device without the library the rows are skipped with the reason, once") {
  const auto rows = rows_in(run_group(2, small_library_run()));
  REQUIRE(rows.size() == 2);
  for (const auto& row : rows) {
    CHECK(row.status == "skipped");
    CHECK(row.reason == "nccl needs the cuda device");
  }
}

TEST_CASE("an error of one rank while it connects fails the rows on all ranks, and names it") {
  const auto rows = rows_with(3, {.fails_to_connect = 1});
  REQUIRE(rows.size() == 2);
  for (const auto& row : rows) {
    CHECK(row.status == "failed");
    REQUIRE(row.failure);
    CHECK(row.failure->call == "fakeInit");
    CHECK(row.failure->rank == 1);
    CHECK(row.failure->phase == Phase::init);
  }
}

TEST_CASE("an error behind the library's calls ends the attempt") {
  Meeting meeting(1);
  try {
    rows_in(run_group(1, small_library_run(), 0, {.open_library = [&](int rank) {
                        return LibraryChoice{
                            .library = std::make_unique<FakeLibrary>(meeting, rank, Habits{.fails_behind = 0})};
                      }}));
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.failure().call == "fakeAsync");
  }
}

#include "supervise/heartbeat_page.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/clock.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kPageBytes = 4096;
static_assert(sizeof(HeartbeatPageLayout) <= kPageBytes);

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

[[noreturn]] void io_failure(Layer layer, const char* call) {
  const int error = errno;
  throw Error{{.layer = layer,
               .reason = Reason::io_error,
               .call = call,
               .detail = std::string("heartbeat page: ") + std::strerror(error),
               .code = error}};
}

GiveUpRecord read_give_up(const GiveUpRecord& record) {
  GiveUpRecord copy{};
  // A kernel writes the tag last; the other words are stable once it is there.
  copy.tag = std::atomic_ref<const std::uint32_t>(record.tag).load(std::memory_order_acquire);
  if (copy.tag == 0) return copy;
  const auto tag = copy.tag;
  std::memcpy(&copy, &record, sizeof copy);
  copy.tag = tag;
  return copy;
}

}  // namespace

template <std::size_t Bytes>
void SharedText<Bytes>::write(std::string_view value) {
  const auto next = version.load(std::memory_order_relaxed) + 1;
  auto& buffer = text[next % 2];
  const auto length = std::min(value.size(), Bytes - 1);
  for (std::size_t i = 0; i < length; ++i) buffer[i].store(value[i], std::memory_order_release);
  buffer[length].store('\0', std::memory_order_release);
  version.store(next, std::memory_order_release);
}

/// Retries while a writer overtakes it. One that was killed in the middle of a write leaves the text before it.
template <std::size_t Bytes>
std::string SharedText<Bytes>::read() const {
  constexpr int kTries = 1000;
  std::string copy;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const auto seen = version.load(std::memory_order_acquire);
    copy.clear();
    for (const auto& c : text[seen % 2]) {
      const char value = c.load(std::memory_order_acquire);
      if (value == '\0') break;
      copy.push_back(value);
    }
    if (version.load(std::memory_order_acquire) == seen) break;
  }
  return copy;
}

Json to_json(const PageSnapshot& snapshot) {
  const GiveUpRecord& give_up = snapshot.give_up;
  return {{"started", snapshot.started},
          {"phase", name_of(snapshot.phase)},
          {"item", snapshot.item},
          {"iteration", snapshot.iteration},
          {"driver_call", snapshot.driver_call},
          {"allocator", snapshot.allocator},
          {"pid", snapshot.pid},
          {"idle_s", snapshot.idle_s},
          {"overdue_s", snapshot.overdue_s},
          {"give_up",
           {{"tag", give_up.tag},
            {"rank", give_up.rank},
            {"peer", give_up.peer},
            {"slot", give_up.slot},
            {"packet", give_up.packet},
            {"expected", give_up.expected},
            {"seen", give_up.seen},
            {"call", give_up.call}}}};
}

PageSnapshot page_snapshot_from(const Json& json) try {
  PageSnapshot snapshot;
  json.at("started").get_to(snapshot.started);
  snapshot.phase = phase_from(json.at("phase").get<std::string>()).value_or(Phase::start);
  json.at("item").get_to(snapshot.item);
  json.at("iteration").get_to(snapshot.iteration);
  json.at("driver_call").get_to(snapshot.driver_call);
  json.at("allocator").get_to(snapshot.allocator);
  json.at("pid").get_to(snapshot.pid);
  json.at("idle_s").get_to(snapshot.idle_s);
  json.at("overdue_s").get_to(snapshot.overdue_s);
  const Json& give_up = json.at("give_up");
  give_up.at("tag").get_to(snapshot.give_up.tag);
  give_up.at("rank").get_to(snapshot.give_up.rank);
  give_up.at("peer").get_to(snapshot.give_up.peer);
  give_up.at("slot").get_to(snapshot.give_up.slot);
  give_up.at("packet").get_to(snapshot.give_up.packet);
  give_up.at("expected").get_to(snapshot.give_up.expected);
  give_up.at("seen").get_to(snapshot.give_up.seen);
  give_up.at("call").get_to(snapshot.give_up.call);
  return snapshot;
} catch (const Json::exception& error) {
  throw Error{{.layer = Layer::supervisor,
               .reason = Reason::invalid_argument,
               .detail = std::string("not a page snapshot: ") + error.what()}};
}

HeartbeatPage::HeartbeatPage(UniqueFd memory, Layer layer) : memory_(std::move(memory)) {
  void* address = mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), 0);
  if (address == MAP_FAILED) io_failure(layer, "mmap");
  layout_ = static_cast<HeartbeatPageLayout*>(address);
}

HeartbeatPage HeartbeatPage::create(double start_s) {
  UniqueFd memory(memfd_create("symmbench-heartbeat", MFD_CLOEXEC));
  if (!memory) io_failure(Layer::supervisor, "memfd_create");
  if (ftruncate(memory.get(), kPageBytes) != 0) io_failure(Layer::supervisor, "ftruncate");
  HeartbeatPage page(std::move(memory), Layer::supervisor);
  page.layout_->supervisor_pid.store(getpid(), std::memory_order_relaxed);
  page.layout_->moved_ns.store(now_ns(), std::memory_order_relaxed);
  page.layout_->deadline_ns.store(now_ns() + static_cast<std::int64_t>(start_s * 1e9), std::memory_order_release);
  return page;
}

HeartbeatPage HeartbeatPage::open(UniqueFd memory) { return {std::move(memory), Layer::worker}; }

HeartbeatPage::HeartbeatPage(HeartbeatPage&& other) noexcept
    : memory_(std::move(other.memory_)), layout_(std::exchange(other.layout_, nullptr)) {}

HeartbeatPage::~HeartbeatPage() {
  if (layout_) munmap(layout_, kPageBytes);
}

PageSnapshot HeartbeatPage::snapshot() const {
  const HeartbeatPageLayout& page = *layout_;
  const auto now = now_ns();
  return {
      .started = page.started.load(std::memory_order_acquire) != 0,
      .phase = kAllPhases[std::min<std::size_t>(page.phase.load(std::memory_order_relaxed), std::size(kAllPhases) - 1)],
      .item = page.item_plus_one.load(std::memory_order_relaxed) - 1,
      .iteration = page.iteration.load(std::memory_order_relaxed),
      .driver_call = page.call.read(),
      .allocator = page.allocator.read(),
      .pid = page.pid.load(std::memory_order_relaxed),
      .idle_s = static_cast<double>(now - page.moved_ns.load(std::memory_order_acquire)) * 1e-9,
      .overdue_s = static_cast<double>(now - page.deadline_ns.load(std::memory_order_acquire)) * 1e-9,
      .give_up = read_give_up(page.give_up)};
}

PageHeartbeat::PageHeartbeat(HeartbeatPage& page) : layout_(page.layout()) {
  layout_.pid.store(getpid(), std::memory_order_relaxed);
  layout_.started.store(1, std::memory_order_release);
  moved();
}

void PageHeartbeat::moved() { layout_.moved_ns.store(now_ns(), std::memory_order_release); }

void PageHeartbeat::phase(Phase phase) {
  layout_.phase.store(static_cast<std::uint32_t>(phase), std::memory_order_relaxed);
  moved();
}

void PageHeartbeat::item(int index) {
  layout_.item_plus_one.store(index + 1, std::memory_order_relaxed);
  layout_.iteration.store(0, std::memory_order_relaxed);
  moved();
}

void PageHeartbeat::iteration(std::uint64_t value) {
  layout_.iteration.store(value, std::memory_order_relaxed);
  moved();
}

void PageHeartbeat::driver_call(std::string_view call) {
  layout_.call.write(call);
  moved();
}

void PageHeartbeat::allocator(std::string_view name) {
  layout_.allocator.write(name);
  moved();
}

void PageHeartbeat::allow(double seconds) {
  layout_.deadline_ns.store(now_ns() + static_cast<std::int64_t>(seconds * 1e9), std::memory_order_release);
  moved();
}

}  // namespace symmbench

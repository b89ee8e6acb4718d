#include "device/stream_decorator.hpp"

#include <utility>

namespace symmbench {

class StreamDecorator::DecoratedGraph final : public Graph {
 public:
  DecoratedGraph(StreamDecorator& stream, std::unique_ptr<Graph> inner) : stream_(stream), inner_(std::move(inner)) {}
  void launch() override {
    CallRecord record{.call = DriverCall::launch_graph};
    stream_.forward(record, [&] { inner_->launch(); });
  }

 private:
  StreamDecorator& stream_;
  std::unique_ptr<Graph> inner_;
};

StreamDecorator::StreamDecorator(std::unique_ptr<Stream> inner) : inner_(std::move(inner)) {}
StreamDecorator::~StreamDecorator() = default;

void StreamDecorator::forward(CallRecord& record, const CallBody& call) {
  around(record, [&] { run_recorded(record, call); });
}

void StreamDecorator::copy(void* to, const void* from, std::uint64_t bytes) {
  CallRecord record{.call = DriverCall::copy, .bytes = bytes, .address = reinterpret_cast<DevicePtr>(to)};
  forward(record, [&] { inner_->copy(to, from, bytes); });
}

void StreamDecorator::fill(DevicePtr to, std::uint32_t pattern, std::uint64_t words) {
  CallRecord record{.call = DriverCall::fill, .bytes = words * sizeof(pattern), .address = to, .word = pattern};
  forward(record, [&] { inner_->fill(to, pattern, words); });
}

std::unique_ptr<Event> StreamDecorator::make_event() {
  CallRecord record{.call = DriverCall::make_event};
  std::unique_ptr<Event> event;
  forward(record, [&] { event = inner_->make_event(); });
  return event;
}

void StreamDecorator::record(Event& event) {
  CallRecord record{.call = DriverCall::record_event};
  forward(record, [&] { inner_->record(event); });
}

double StreamDecorator::elapsed_us(const Event& a, const Event& b) {
  CallRecord record{.call = DriverCall::elapsed};
  double elapsed = 0;
  forward(record, [&] { elapsed = inner_->elapsed_us(a, b); });
  return elapsed;
}

std::unique_ptr<Graph> StreamDecorator::capture(const std::function<void()>& body) {
  CallRecord record{.call = DriverCall::capture};
  std::unique_ptr<Graph> graph;
  forward(record, [&] { graph = inner_->capture(body); });
  return std::make_unique<DecoratedGraph>(*this, std::move(graph));
}

void StreamDecorator::synchronize() {
  CallRecord record{.call = DriverCall::synchronize};
  forward(record, [&] { inner_->synchronize(); });
}

}  // namespace symmbench

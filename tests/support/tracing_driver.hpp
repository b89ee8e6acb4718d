#pragma once
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "device/driver_decorator.hpp"
#include "device/stream_decorator.hpp"

namespace symmbench::test {

/// Notes the calls of a driver and its streams in order, by the CUDA driver's names; with what decides, where upstream
/// is known to differ in it.
class TracingDriver final : public DriverDecorator {
 public:
  TracingDriver(std::unique_ptr<Driver> inner, std::vector<std::string>& trace)
      : DriverDecorator(std::move(inner)), trace_(trace) {}

 private:
  class TracedStream final : public StreamDecorator {
   public:
    TracedStream(std::unique_ptr<Stream> inner, std::vector<std::string>& trace)
        : StreamDecorator(std::move(inner)), trace_(trace) {}

   private:
    void around(const CallRecord& call, const CallBody& body) override { note(trace_, call, body); }
    std::vector<std::string>& trace_;
  };

  static void note(std::vector<std::string>& trace, const CallRecord& call, const CallBody& body) {
    std::string text(name_of(call.call));
    switch (call.call) {
      case DriverCall::facts:
      case DriverCall::memory_info:
      case DriverCall::make_stream:
        return body();
      case DriverCall::granularity:
        text += call.which == Granularity::recommended ? "(recommended)" : "(minimum)";
        break;
      case DriverCall::create:
        text += fmt::format("(rdma {})", call.spec.gpu_direct_rdma ? 1 : 0);
        break;
      case DriverCall::reserve:
        text += fmt::format("({} MiB, align {})", call.bytes >> 20, call.alignment >> 20);
        break;
      case DriverCall::set_access:
        text += fmt::format("({} MiB)", call.bytes >> 20);
        break;
      case DriverCall::fill:
        text += fmt::format("({} bytes)", call.bytes);
        break;
      default:
        break;
    }
    trace.push_back(std::move(text));
    body();
  }

  void around(const CallRecord& call, const CallBody& body) override { note(trace_, call, body); }
  std::unique_ptr<Stream> decorate(std::unique_ptr<Stream> stream) override {
    return std::make_unique<TracedStream>(std::move(stream), trace_);
  }

  std::vector<std::string>& trace_;
};

}  // namespace symmbench::test

#include "report/bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/clock.hpp"
#include "report/pick.hpp"
#include "report/redact.hpp"

namespace symmbench {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostBytes = std::uintmax_t{256} << 20;
constexpr int kDeepest = 4;
constexpr std::string_view kSuffixes[] = {".json", ".jsonl", ".csv", ".xml", ".prom", ".log", ".txt", ".out", ".err"};

[[noreturn]] void nothing_to_take(const std::string& path, const std::string& why) {
  throw Error({.layer = Layer::config, .reason = Reason::io_error, .detail = fmt::format("'{}': {}", path, why)});
}

class Collector {
 public:
  void add_file(const fs::path& path, const std::string& name) {
    if (const auto why = why_not(path); !why.empty()) {
      bundle_.left_out.push_back(fmt::format("{}: {}", name, why));
      return;
    }
    try {
      add_text(name, read_text_file(path.string(), path.string()));
    } catch (const Error& error) {
      bundle_.left_out.push_back(error.failure().detail);
    }
  }

  void add_folder(const fs::path& folder, const std::string& lead) {
    std::vector<fs::path> found;
    std::error_code error;
    for (fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
         !error && it != end; it.increment(error)) {
      if (it.depth() >= kDeepest) it.disable_recursion_pending();
      if (it->is_symlink() || !it->is_directory()) found.push_back(it->path());
    }
    if (error) bundle_.left_out.push_back(fmt::format("{}: {}", folder.string(), error.message()));
    std::sort(found.begin(), found.end());
    for (const auto& path : found) add_file(path, lead + path.lexically_relative(folder).string());
  }

  bool empty() const { return bundle_.files.empty(); }
  const std::vector<std::string>& left_out() const { return bundle_.left_out; }

  Bundle finish(const std::string& made_by) {
    Json manifest{{"made_by", made_by}, {"made_at", utc_timestamp()}, {"files", files_}};
    manifest["left_out"] = bundle_.left_out;
    const auto text = manifest.dump(2, ' ', false, Json::error_handler_t::replace);
    bundle_.files.insert(bundle_.files.begin(), {"manifest.json", text + "\n"});
    return std::move(bundle_);
  }

 private:
  static std::string why_not(const fs::path& path) {
    std::error_code error;
    if (fs::is_symlink(path, error)) return "a link";
    if (!fs::is_regular_file(path, error)) return "no regular file";
    const auto suffix = path.extension().string();
    if (std::find(std::begin(kSuffixes), std::end(kSuffixes), suffix) == std::end(kSuffixes)) {
      return "not a kind of file that a run writes";
    }
    const auto bytes = fs::file_size(path, error);
    if (error) return error.message();
    return bytes > kMostBytes ? fmt::format("{} bytes are too many", bytes) : "";
  }

  void put(const std::string& name, std::string text, const Redactor& redactor) {
    files_.push_back({{"name", name}, {"bytes", text.size()}, {"redacted", redactor.taken()}});
    bundle_.redacted += redactor.taken();
    bundle_.files.push_back({name, std::move(text)});
  }

  void put_json(const std::string& name, const Json& document) {
    Redactor redactor;
    put(name, redactor.json(document).dump(2, ' ', false, Json::error_handler_t::replace) + "\n", redactor);
  }

  void add_text(const std::string& name, const std::string& text) {
    const fs::path path(name);
    if (path.extension() == ".json") {
      if (const Json document = Json::parse(text, nullptr, false); !document.is_discarded()) {
        put_json(name, document);
        if (document.is_object() && document.contains("results")) add_parts(name, document);
        return;
      }
    }
    Redactor redactor;
    // A journal's lines carry checksums; what is none comes out as text.
    put(name, path.extension() == ".jsonl" ? redactor.journal(text) : redactor.text(text), redactor);
  }

  /// What people ask for first, in files of its own.
  void add_parts(const std::string& name, const Json& report) {
    const auto stem = name.substr(0, name.size() - std::string_view(".json").size());
    const Json run = pick_object(report, "run");
    put_json(stem + ".config.json", member(run, "config"));
    Json facts = Json::object();
    for (const char* key : {"tool", "device", "fabric", "hosts", "ranks"}) facts[key] = member(report, key);
    put_json(stem + ".facts.json", facts);
    std::string said;
    const Json events = member(run, "events");
    for (const Json& event : events.is_array() ? events : Json::array()) {
      if (text_or(event, "what") == "rank_stderr") said += text_or(event, "detail") + "\n";
    }
    if (said.empty()) return;
    Redactor redactor;
    put(stem + ".stderr.txt", redactor.text(said), redactor);
  }

  Bundle bundle_;
  Json files_ = Json::array();
};

}  // namespace

Bundle make_bundle(const std::string& path, const std::string& made_by) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) nothing_to_take(path, "no such file or folder");
  Collector collector;
  if (fs::is_directory(status)) {
    collector.add_folder(path, "");
  } else {
    collector.add_file(path, fs::path(path).filename().string());
    const auto journal = path + ".journal";
    if (fs::is_directory(journal, error)) {
      collector.add_folder(journal, fs::path(journal).filename().string() + "/");
    }
  }
  if (collector.empty()) {
    nothing_to_take(path,
                    collector.left_out().empty() ? "nothing in it" : "nothing to take: " + collector.left_out()[0]);
  }
  return collector.finish(made_by);
}

}  // namespace symmbench

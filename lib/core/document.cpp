#include "core/document.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/deadlines.hpp"
#include "core/finishes_within.hpp"
#include "core/shown_text.hpp"
#include "core/text.hpp"
#include "core/unique_fd.hpp"

namespace symmbench {
namespace {

constexpr double kWriter_s = 10;

[[noreturn]] void refuse(std::string_view text, std::size_t at, std::string_view what, std::string_view problem) {
  const auto before = text.substr(0, std::min(at, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto last_newline = before.rfind('\n');
  const auto column = last_newline == std::string_view::npos ? before.size() + 1 : before.size() - last_newline;
  throw Error({.layer = Layer::config,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("{}: line {}, column {}: {}", what, line, column, problem)});
}

/// Walks over the text and leaves behind how far it has come.
struct Cursor {
  // The library's names of iterator traits.
  // NOLINTBEGIN(readability-identifier-naming)
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;
  // NOLINTEND(readability-identifier-naming)

  const char* at;
  const char** seen;

  char operator*() const { return *at; }
  Cursor& operator++() {
    *seen = ++at;
    return *this;
  }
  Cursor operator++(int) {
    const Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at == other.at; }
  bool operator!=(const Cursor& other) const { return at != other.at; }
};

using Members = Json::object_t::Container;

/// As the vector that it is: the map's own insertion searches all keys first, and that there is none was just seen.
Members& members_of(Json& object) { return static_cast<Members&>(object.get_ref<Json::object_t&>()); }

/// The keys that an object has so far, by their hashes: a set of the keys themselves would allocate for each.
class SeenKeys {
 public:
  /// @returns false when `members` has the key
  bool add(const std::string& key, const Members& members) {
    const std::size_t hash = std::hash<std::string>{}(key);
    const bool met = many_.empty() ? std::find(few_.begin(), few_.end(), hash) != few_.end() : many_.contains(hash);
    if (met && std::any_of(members.begin(), members.end(), [&](const auto& each) { return each.first == key; })) {
      return false;
    }
    if (few_.size() < kFew) {
      few_.push_back(hash);
    } else {
      if (many_.empty()) many_.insert(few_.begin(), few_.end());
      many_.insert(hash);
    }
    return true;
  }

  void clear() {
    few_.clear();
    many_.clear();
  }

 private:
  static constexpr std::size_t kFew = 64;
  std::vector<std::size_t> few_;
  std::unordered_set<std::size_t> many_;  ///< all of them, once there are more than few_ takes
};

/// Takes the parser's events and builds the document from them, within the limits.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, std::string_view what, ValueLines* lines, LeftOut left_out = {})
      : text_(text), what_(what), lines_(lines), left_out_(left_out), seen_(text.data()), counted_(text.data()) {}

  Json build() {
    // To the parser a NUL is the end, and whatever follows it would be ignored.
    if (const auto nul = text_.find('\0'); nul != std::string_view::npos) refuse(text_, nul, what_, "a NUL byte");
    Json::sax_parse(Cursor{text_.data(), &seen_}, Cursor{text_.data() + text_.size(), &seen_}, this);
    return std::move(root_);
  }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // not in text
  bool start_object(std::size_t) override { return open(Json::value_t::object); }
  bool start_array(std::size_t) override { return open(Json::value_t::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (left_out_levels_ > 0) return true;
    Level& level = levels_[depth_ - 1];
    if (!level.keys.add(name, members_of(*level.container))) {
      refuse_here(fmt::format("key '{}' is given twice", name));
    }
    leaves_out_next_ = is_left_out(name);
    level.key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const Json::exception& error) override {
    const std::size_t at = position > 0 ? position - 1 : 0;
    constexpr int kOutOfRange = 406;
    if (error.id == kOutOfRange) {
      const auto path = path_of_next();
      refuse(text_, at, what_,
             fmt::format("{}{}the number {} is too large", path, path.empty() ? "" : ": ", token.substr(0, 40)));
    }
    // The library's message repeats the position in its own form; only the part after it is kept.
    std::string problem = error.what();
    if (const auto colon = problem.find(": ", problem.find("column")); colon != std::string::npos) {
      problem = problem.substr(colon + 2);
    }
    constexpr std::size_t kLongestProblem = 200;  // it quotes what it read last, however long that is
    if (problem.size() > kLongestProblem) problem = "a syntax error in a long text";
    if (!is_utf8(problem)) problem = "bytes that are no UTF-8 text";
    refuse(text_, at, what_, "not JSON: " + problem);
  }

 private:
  struct Level {
    Json* container;
    std::string key;  ///< of an object, the one that was read last
    SeenKeys keys;
    std::size_t members = 0;  ///< that the last object at this depth had: the next one may have as many
  };

  /// Whether the member `name` of what is open now is one of left_out_.
  bool is_left_out(std::string_view name) const {
    if (left_out_.empty()) return false;
    if (depth_ == 1) return std::find(left_out_.begin(), left_out_.end(), name) != left_out_.end();
    if (depth_ != 3 || !levels_[1].container->is_array()) return false;
    const std::string_view list = levels_[0].key;
    constexpr std::string_view kOfEach = "[].";
    return std::any_of(left_out_.begin(), left_out_.end(), [&](std::string_view path) {
      return path.size() == list.size() + kOfEach.size() + name.size() && path.starts_with(list) &&
             path.ends_with(name) && path.substr(list.size(), kOfEach.size()) == kOfEach;
    });
  }

  [[noreturn]] void refuse_here(std::string_view problem) const {
    refuse(text_, static_cast<std::size_t>(std::max(seen_ - 1, text_.data()) - text_.data()), what_, problem);
  }

  /// The path to the value that comes now: the last level has not got it yet, the others hold what is open in them.
  std::string path_of_next() const {
    std::string path;
    for (std::size_t i = 0; i < depth_; ++i) {
      const Level& level = levels_[i];
      if (level.container->is_array()) {
        path += fmt::format("[{}]", level.container->size() - (i + 1 < depth_ ? 1 : 0));
      } else {
        path += (path.empty() ? "" : ".") + level.key;
      }
    }
    return path;
  }

  Json* place(Json value) {
    if (lines_ != nullptr) lines_->emplace(path_of_next(), line());
    if (depth_ == 0) {
      root_ = std::move(value);
      return &root_;
    }
    Level& level = levels_[depth_ - 1];
    if (level.container->is_array()) {
      level.container->push_back(std::move(value));
      return &level.container->back();
    }
    return &members_of(*level.container).emplace_back(level.key, std::move(value)).second;
  }

  template <class Value>
  bool add(Value&& value) {
    if (left_out_levels_ == 0 && !std::exchange(leaves_out_next_, false)) place(Json(std::forward<Value>(value)));
    return true;
  }

  bool open(Json::value_t type) {
    if (depth_ + left_out_levels_ == kDeepestJson) {
      refuse_here(fmt::format("more than {} levels of nesting", kDeepestJson));
    }
    if (left_out_levels_ > 0 || std::exchange(leaves_out_next_, false)) {
      ++left_out_levels_;
      return true;
    }
    Json* placed = place(Json(type));
    if (depth_ == levels_.size()) levels_.emplace_back();
    Level& level = levels_[depth_++];
    level.container = placed;
    level.keys.clear();
    if (type == Json::value_t::object) members_of(*placed).reserve(level.members);
    return true;
  }

  bool close() {
    if (left_out_levels_ > 0) {
      --left_out_levels_;
      return true;
    }
    Level& level = levels_[--depth_];
    if (level.container->is_object()) level.members = level.container->size();
    return true;
  }

  std::size_t line() {
    const char* last = std::max(seen_ - 1, text_.data());
    line_ += static_cast<std::size_t>(std::count(counted_, last, '\n'));
    counted_ = last;
    return line_;
  }

  std::string_view text_, what_;
  ValueLines* lines_;
  LeftOut left_out_;
  const char* seen_;
  const char* counted_;
  std::size_t line_ = 1;
  Json root_;
  std::vector<Level> levels_;  ///< the first depth_ are open; the others keep their room for the next ones
  std::size_t depth_ = 0;
  std::size_t left_out_levels_ = 0;  ///< that are open in what is left out
  bool leaves_out_next_ = false;     ///< the value that comes now
};

/// Waits until there is something to read, or nobody left who could write.
void await_writer(int fd, const Deadline& deadline) {
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, static_cast<int>(deadline.left_ms())) == 0) {
    throw std::system_error(ETIMEDOUT, std::generic_category());
  }
}

/// A file that is read, with all that a call that was given up still needs.
struct OpenFile {
  UniqueFd fd;
  std::size_t bytes = 0;  ///< of a regular file
  std::vector<char> part = std::vector<char>(std::size_t{1} << 20);
};

/// What `call` of a file system returns, with its errno. @throws std::system_error(ETIMEDOUT)
template <class Call>
ssize_t answer_of(Call call) {
  const auto answer = result_within(deadline::kFileSystem_s, [call] {
    const ssize_t value = call();
    return std::pair(value, errno);
  });
  if (!answer) throw std::system_error(ETIMEDOUT, std::generic_category());
  errno = answer->second;
  return answer->first;
}

std::string read_all(const std::string& path, std::size_t longest) {
  const auto file = std::make_shared<OpenFile>();
  // Non-blocking: opening a pipe that nobody writes to would wait without end.
  const auto opened = answer_of([file, path] {
    file->fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    const int code = errno;
    struct stat status {};
    if (::fstat(file->fd.get(), &status) == 0 && S_ISREG(status.st_mode)) {
      file->bytes = static_cast<std::size_t>(status.st_size);
    }
    errno = code;
    return file->fd.get();
  });
  if (opened < 0) throw std::system_error(errno, std::generic_category());
  const Deadline deadline = Deadline::in_seconds(kWriter_s);
  std::string bytes;
  bytes.reserve(std::min(file->bytes, longest));
  while (true) {
    const auto got = answer_of([file] { return ::read(file->fd.get(), file->part.data(), file->part.size()); });
    if (got == 0) return bytes;
    if (got > 0) {
      bytes.append(file->part.data(), static_cast<std::size_t>(got));
      if (bytes.size() > longest) throw std::system_error(EFBIG, std::generic_category());
    } else if (errno == EAGAIN) {
      await_writer(file->fd.get(), deadline);
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category());
    }
  }
}

}  // namespace

Document parse_document(std::string_view text, std::string_view what) {
  Document document;
  document.value = Builder(text, what, &document.lines).build();
  return document;
}

Json parse_without_lines(std::string_view text, std::string_view what, LeftOut left_out) {
  return Builder(text, what, nullptr, left_out).build();
}

std::string line_note(const ValueLines& lines, std::string_view path) {
  const auto at = lines.find(path);
  return at == lines.end() ? "" : fmt::format(" (line {})", at->second);
}

bool is_no_folder(const std::string& path) {
  const auto found = result_within(deadline::kFileSystem_s, [path] {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored) && !std::filesystem::is_directory(path, ignored);
  });
  return found.value_or(true);
}

std::string read_bytes(const std::string& path, std::string_view what, std::size_t longest) {
  try {
    return read_all(path, longest);
  } catch (const std::system_error& error) {
    const int code = error.code().value();
    const auto why = code == EFBIG       ? fmt::format("larger than {}", format_bytes(longest))
                     : code == ETIMEDOUT ? "nothing comes: a pipe without a writer, or a file system out of reach"
                                         : std::strerror(code);
    throw Error({.layer = Layer::config,
                 .reason = Reason::io_error,
                 .detail = fmt::format("{}: cannot be read: {}", what, why),
                 .code = code});
  }
}

}  // namespace symmbench

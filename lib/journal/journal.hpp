#pragma once
#include <memory>
#include <optional>
#include <string>

#include "journal/codec.hpp"
#include "journal/records.hpp"

namespace symmbench {

/// One supervisor's journal: <dir>/rank-<r>.jsonl, append only. A record is in the kernel's hands when append()
/// returns, so it outlives this process (not a power failure). A file system that does not answer costs deadline::kRecord_s
/// once; until it does, every record is refused at once. Not thread-safe.
class JournalWriter final : public RecordSink {
 public:
  /// Creates `dir` (with parents) where missing, then the file, and holds its lock as long as it lives: that is how
  /// another run knows that this one does (put_aside_journal).
  /// @throws Error{report, io_error} when either cannot be made; also when the file already exists: it is all that is
  /// left of an earlier run that was killed, or another run made it just now; never overwritten. ETIMEDOUT: its file
  /// system does not answer
  JournalWriter(std::string dir, int rank);

  /// One write(2) per record. @throws Error{report, io_error} when the line could not be written whole; later records
  /// still go in, and a reader loses only this one. Also when the file has no name any more, so that nobody will read it
  void append(const Json& record) override;

  /// After the report is safely written: removes the file, unless another run's has taken its place, and each directory
  /// made here that is then empty. Never throws.
  void remove() noexcept;

  const std::string& path() const;

 private:
  struct File;
  std::shared_ptr<File> file_;  ///< a call that was given up goes on and needs it
};

/// A journal that is still in `dir` belongs to a run that was killed before it could write its report. Moves it to
/// <dir>/old-<n>, which is returned, so that a new one has its place; nullopt when there is none. Files of `dir` that
/// are no journals stay.
/// @throws Error{report, illegal_state} when the run that writes it is still alive; Error{report, io_error}
std::optional<std::string> put_aside_journal(const std::string& dir);

/// Whether a run that is alive is writing a journal in `dir`. @throws Error{report, io_error}
bool journal_is_live(const std::string& dir);

/// The folder of the journals that `dir` means: itself, or the one folder NAME.journal in it that holds some.
/// @throws Error{config, invalid_argument} where there is none, or several, with their names
std::string find_journal(const std::string& dir);

/// The ranks whose journals are in `dir`, ascending. @throws Error{report, io_error}
std::vector<int> journal_ranks(const std::string& dir);

/// Every rank-<r>.jsonl of `dir`, by rank. Each rank's records keep their order.
/// @throws Error{report, io_error} when `dir` cannot be read or holds no journal
JournalText read_journal(const std::string& dir);

}  // namespace symmbench

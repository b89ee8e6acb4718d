#include "report/archive.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <ctime>
#include <memory>

#include "core/error.hpp"

namespace symmbench {
namespace {

constexpr int kMode = 0644;

void check(int result, ::archive* archive) {
  if (result == ARCHIVE_OK) return;
  const char* why = ::archive_error_string(archive);
  throw Error({.layer = Layer::report,
               .reason = Reason::internal,
               .call = "libarchive",
               .detail = why == nullptr ? "no reason given" : why});
}

la_ssize_t append(::archive*, void* text, const void* bytes, std::size_t count) {
  static_cast<std::string*>(text)->append(static_cast<const char*>(bytes), count);
  return static_cast<la_ssize_t>(count);
}

}  // namespace

std::string tar_gz(std::span<const ArchivedFile> files) {
  std::string text;
  const std::unique_ptr<::archive, decltype(&::archive_write_free)> writer(::archive_write_new(), ::archive_write_free);
  check(::archive_write_set_format_pax_restricted(writer.get()), writer.get());
  check(::archive_write_add_filter_gzip(writer.get()), writer.get());
  check(::archive_write_open(writer.get(), &text, nullptr, append, nullptr), writer.get());
  for (const ArchivedFile& file : files) {
    const std::unique_ptr<::archive_entry, decltype(&::archive_entry_free)> entry(::archive_entry_new(),
                                                                                  ::archive_entry_free);
    ::archive_entry_set_pathname(entry.get(), file.name.c_str());
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.text.size()));
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), kMode);
    ::archive_entry_set_mtime(entry.get(), std::time(nullptr), 0);
    check(::archive_write_header(writer.get(), entry.get()), writer.get());
    if (::archive_write_data(writer.get(), file.text.data(), file.text.size()) < 0) check(ARCHIVE_FATAL, writer.get());
  }
  check(::archive_write_close(writer.get()), writer.get());
  return text;
}

}  // namespace symmbench

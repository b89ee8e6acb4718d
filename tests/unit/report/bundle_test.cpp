#include "report/bundle.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <map>

#include "journal/journal.hpp"
#include "report/redact.hpp"
#include "report/write.hpp"
#include "run_builder.hpp"
#include "support/contains.hpp"
#include "support/failures.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;

namespace {

constexpr const char* kSecret = "hunter2-s3cr3t";

std::map<std::string, std::string> by_name(const Bundle& bundle) {
  std::map<std::string, std::string> files;
  for (const ArchivedFile& file : bundle.files) files[file.name] = file.text;
  return files;
}

/// A folder as a run leaves it, a secret in every kind of file.
void write_run(const std::string& folder) {
  RunBuilder run(1);
  run.started.run["command"] = std::string("symmbench run --password ") + kSecret;
  run.add(RankFacts{.rank = 0, .facts = {{"environment", {{"NCCL_AUTH_TOKEN", kSecret}, {"NCCL_DEBUG", "INFO"}}}}});
  run.add(EventRecord{.what = "rank_stderr", .detail = std::string("rank 1: API_KEY=") + kSecret, .data = nullptr});
  run.add_all_ok();
  write_report(folder + "/report.json", run.report());
  JournalWriter journal(folder + "/report.json.journal", 0);
  for (const Json& record : run.records()) journal.append(record);
  write_text(folder + "/rows.csv", std::string("tokens,reason\n8,https://me:") + kSecret + "@host/x\n");
  write_text(folder + "/run.log", std::string("Authorization: Bearer ") + kSecret + "\nbroken {\n");
  write_text(folder + "/core", kSecret);
  std::filesystem::create_symlink("/etc/passwd", folder + "/link.txt");
}

}  // namespace

TEST_CASE("a bundle holds report, journals, configuration, facts and what ranks said, and no secret") {
  const ScratchFolder folder;
  write_run(folder.path());
  const auto bundle = make_bundle(folder.path(), "symmbench 1");
  const auto files = by_name(bundle);
  CHECK(bundle.files[0].name == "manifest.json");
  for (const char* name : {"report.json", "report.config.json", "report.facts.json", "report.stderr.txt", "rows.csv",
                           "run.log", "report.json.journal/rank-0.jsonl"}) {
    CAPTURE(name);
    CHECK(files.contains(name));
  }
  for (const auto& [name, text] : files) {
    CAPTURE(name);
    CHECK_FALSE(contains(text, kSecret));
  }
  CHECK(contains(files.at("report.json"), "--password ***"));
  CHECK(contains(files.at("report.facts.json"), "\"NCCL_DEBUG\": \"INFO\""));
  CHECK(contains(files.at("report.stderr.txt"), "rank 1: API_KEY=***"));
  CHECK(files.at("rows.csv") == "tokens,reason\n8,https://***@host/x\n");
  CHECK(files.at("run.log") == "Authorization: Bearer ***\nbroken {\n");
  CHECK(bundle.redacted > 0);
  CHECK(bundle.left_out == std::vector<std::string>{"core: not a kind of file that a run writes", "link.txt: a link"});
  const Json manifest = Json::parse(files.at("manifest.json"));
  CHECK(manifest["made_by"] == "symmbench 1");
  CHECK(manifest["files"].size() == bundle.files.size() - 1);
  CHECK(manifest["left_out"].size() == 2);
}

TEST_CASE("a report brings its journals along, and what is bundled of a journal is still a journal") {
  const ScratchFolder folder, out;
  write_run(folder.path());
  const auto files = by_name(make_bundle(folder / "report.json", ""));
  CHECK(files.contains("report.json.journal/rank-0.jsonl"));
  CHECK_FALSE(files.contains("rows.csv"));
  write_text(out / "rank-0.jsonl", files.at("report.json.journal/rank-0.jsonl"));
  const auto journal = read_journal(out.path());
  CHECK(journal.problems.empty());
  CHECK(journal.records.size() == read_journal(folder / "report.json.journal").records.size());
}

TEST_CASE("a report that is damaged goes in as text; nothing to take is refused") {
  const ScratchFolder folder;
  write_text(folder / "r.json", std::string("{\"password\": \"") + kSecret + "\", ");
  CHECK(by_name(make_bundle(folder / "r.json", "")).at("r.json") == "{\"password\": \"***\", ");
  CHECK(failure_of([] { (void)make_bundle("/nonexistent/r.json", ""); }).detail ==
        "'/nonexistent/r.json': no such file or folder");
  const ScratchFolder none;
  CHECK(failure_of([&] { (void)make_bundle(none.path(), ""); }).layer == Layer::config);
}

TEST_CASE("names and shapes tell secrets; tokens of a message are none") {
  const std::pair<const char*, const char*> rows[] = {
      {"HF_TOKEN=abc", "HF_TOKEN=***"},
      {"{\"password\": \"a b\", \"x\": 1}", "{\"password\": \"***\", \"x\": 1}"},
      {"--api-key abc --tokens 8", "--api-key *** --tokens 8"},
      {"aws_secret_access_key = abc;next", "aws_secret_access_key = ***;next"},
      {"--tokens=8,16 tokens: 3", "--tokens=8,16 tokens: 3"},
      {"the bearer of news", "the bearer of news"},
      {"bearer 0123456789abcdef0", "bearer ***"},
      {"Authorization: Basic dXNlcg==", "Authorization: Basic ***"},
      {"key ghp_0123456789012345678901234567890123456789.", "key ***"},
      {"http://host:80/a@b", "http://host:80/a@b"},
      {"nothing to hide", "nothing to hide"},
  };
  for (const auto& [text, expected] : rows) CHECK(Redactor().text(text) == expected);
  Redactor redactor;
  CHECK(redactor.json({{"token", 5}, {"tokens", 5}, {"list", {"PASSWORD=x"}}}) ==
        Json({{"token", "***"}, {"tokens", 5}, {"list", {"PASSWORD=***"}}}));
  CHECK(redactor.taken() == 2);
}

TEST_CASE("an archive gives back its files") {
  const std::vector<ArchivedFile> files{{"a.txt", "one"}, {"b/c.txt", std::string(100000, 'x')}, {"empty", ""}};
  const auto text = tar_gz(files);
  CHECK(text.starts_with("\x1f\x8b"));
  auto* reader = ::archive_read_new();
  ::archive_read_support_filter_gzip(reader);
  ::archive_read_support_format_tar(reader);
  REQUIRE(::archive_read_open_memory(reader, text.data(), text.size()) == ARCHIVE_OK);
  ::archive_entry* entry = nullptr;
  for (const auto& file : files) {
    REQUIRE(::archive_read_next_header(reader, &entry) == ARCHIVE_OK);
    CHECK(::archive_entry_pathname(entry) == file.name);
    std::string found(file.text.size(), '\0');
    CHECK(::archive_read_data(reader, found.data(), found.size()) == static_cast<la_ssize_t>(file.text.size()));
    CHECK(found == file.text);
  }
  CHECK(::archive_read_next_header(reader, &entry) == ARCHIVE_EOF);
  ::archive_read_free(reader);
}

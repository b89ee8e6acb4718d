#include "scripts/docs/man_page.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>

#include "app/cli.hpp"
#include "app/command_list.hpp"
#include "catalog/output_files.hpp"
#include "config/nccl_tests.hpp"
#include "config/options.hpp"
#include "core/text.hpp"
#include "scripts/docs/option_words.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kVersion = SYMMBENCH_PROJECT_VERSION;
constexpr std::string_view kDate = "2026-11-29";  // of the page's own words; what the tables say may be newer

struct Variable {
  std::string_view name, meaning;
};
constexpr Variable kEnvironment[] = {
    {"CUDA_VISIBLE_DEVICES", "which GPUs the ranks of a host take, in their order; one per rank is fine"},
    {"FLASHINFER_TRTLLM_AR_USE_TORCH_SYMM_MEM", "1: --allocator upstream is torch_symm_mem"},
    {"TORCH_SYMM_MEM_ALLOW_OVERLAPPING_DEVICES", "1 on every rank: torch_symm_mem takes two ranks on one GPU"},
    {"NCCL_NVLS_ENABLE, TORCH_SYMM_MEM_DISABLE_MULTICAST, NVSHMEM_DISABLE_NVLS",
     "0, 1 and 1, or what else is not plainly the contrary, on any rank: --multicast is vetoed. They are exported to "
     "workers "
     "always. --algorithm nccl runs only where NCCL_NVLS_ENABLE is 0"},
    {"NCCL_TESTS_MIN_BW", "X: as --min-busbw with 0.9 X"},
    {"NCCL_TESTS_SPLIT, NCCL_TESTS_SPLIT_MASK, NCCL_TESTS_DEVICE",
     "refused (exit 2) with what to do instead: what is ignored would pass for obeyed"},
    {"NO_COLOR", "anything: no colour on terminals"},
    {"TMPDIR", "where a private folder takes a report that its own file system refuses"},
};

/// What roff would take for its own, made plain.
std::string plain(std::string_view text) {
  std::string made = replaced(std::string(text), "\\", "\\e");
  made = replaced(replaced(replaced(made, "-", "\\-"), "'", "\\(aq"), "`", "\\(ga");
  made = replaced(replaced(made, "~", "\\(ti"), "^", "\\(ha");
  return made.starts_with('.') ? "\\&" + made : made;
}

std::string bold(std::string_view text) { return text.empty() ? "" : fmt::format("\\fB{}\\fR", plain(text)); }
std::string italic(std::string_view text) { return text.empty() ? "" : fmt::format("\\fI{}\\fR", plain(text)); }

/// A paragraph: the words of `text`, filled to lines that roff joins again.
std::string prose(std::string_view text) {
  constexpr std::size_t kWidth = 78;
  std::string all, line;
  for (const auto& word : split_list(replaced(std::string(text), "\n", " "), ' ')) {
    if (word.empty()) continue;
    const auto made = plain(word);
    if (!line.empty() && line.size() + 1 + made.size() > kWidth) {
      all += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + made;
  }
  return all + line + "\n";
}

std::string item(const std::string& term, std::string_view text) { return ".TP\n" + term + "\n" + prose(text); }

/// With a capital letter and a full stop.
std::string sentence(std::string_view text) {
  std::string made(text);
  if (made.empty()) return made;
  made.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(made.front())));
  return made + (made.ends_with('.') ? "" : ".");
}

/// Lines of "  CODE   meaning", of which further ones have no code.
std::string exit_codes(std::string_view text) {
  std::string all, code, meaning;
  const auto end_item = [&] {
    if (!meaning.empty()) all += item(bold(code), meaning);
    meaning.clear();
  };
  for (const auto& line : split_list(text, '\n')) {
    const auto at = line.find_first_not_of(' ');
    if (at == std::string::npos) continue;
    const auto gap = line.find("  ", at);
    if (at <= 2 && gap != std::string::npos) {
      end_item();
      code = line.substr(at, gap - at);
      meaning = line.substr(line.find_first_not_of(' ', gap));
    } else {
      meaning += " " + line.substr(at);
    }
  }
  end_item();
  return all;
}

std::string term_of(char letter, const std::string& name, std::string_view argument) {
  return fmt::format("{}{}{}{}", letter ? bold(fmt::format("-{}", letter)) + ", " : "", bold(name),
                     argument.empty() ? "" : " ", italic(argument));
}

std::string option_item(const OptionSpec& spec) {
  std::string text = sentence(spec.help);
  if (!spec.now) text = "(not in this version) " + text;
  if (!spec.default_text.empty()) text += fmt::format(" Default: {}.", spec.default_text);
  std::string all = item(term_of(spec.letter, spec.flag_name(), spec.argument), text);
  if (spec.choices.empty()) return all;
  all += ".RS\n";
  for (const Choice& choice : spec.choices) {
    all += item(bold(choice.name), fmt::format("{}{}{}", choice.now ? "" : "(not in this version) ", choice.about,
                                               choice.also.empty() ? "" : fmt::format(" (also {})", choice.also)));
  }
  return all + ".RE\n";
}

std::string command_section(const CommandSpec& command) {
  std::string all = fmt::format(".SS symmbench {}\n", plain(command.name));
  all += fmt::format("{} {}\n.PP\n", bold(fmt::format("symmbench {}", command.name)), plain(command.arguments));
  all += prose(sentence(std::string(command.about)));
  if (const auto details = details_of(command); !details.empty()) all += ".PP\n" + prose(details);
  for (const auto& one : command.options) {
    all += item(term_of(one.letter, fmt::format("--{}", one.name), one.argument), sentence(one.help));
  }
  if (command.name != "run" && !command.exit_codes.empty())
    all += ".PP\nExit codes:\n" + exit_codes(command.exit_codes);
  return all;
}

std::string examples() {
  std::string all = ".SH EXAMPLES\n";
  for (const auto& [about, line] : std::initializer_list<std::pair<const char*, const char*>>{
           {"A first look, without a GPU:", "mpirun -n 4 symmbench run --device host --config quick -J report.json"},
           {"To accept a machine of eight GPUs, in CI:",
            "mpirun -n 8 symmbench run --config qualify --output-dir out --junit"},
           {"What a run would do, and for how long:", "symmbench plan --config serving --ranks 8"},
           {"As with nccl-tests:", "mpirun -n 8 symmbench run -b 8 -e 128M -f 2 -g 1 -d float -o sum --format nccl"},
           {"A report out of the journals of a killed run:", "symmbench salvage report.json.journal -o report.json"}}) {
    all += fmt::format("{}\n.PP\n.nf\n.RS\n{}\n.RE\n.fi\n.PP\n", about, plain(line));
  }
  return all.substr(0, all.size() - 4);
}

std::string files() {
  std::string all = ".SH FILES\n" + prose("Of --output-dir, where the option beside each does not name a file:");
  for (const OutputFileRow& row : kOutputFiles) {
    all += item(italic(row.file_name), fmt::format("{} (--{})", row.about, row.option));
  }
  all += item(italic("<report>.journal/"), "records of the run while it goes on; removed once the report is written");
  return all;
}

std::string shipped() {
  std::string all = ".SH CONFIGURATION FILES\n" +
                    prose(
                        "A JSON object: defaults, and \"sweeps\" that override them. Keys are the long options with "
                        "underscores. The command line wins. Shipped ones, by name:");
  const Json list = list_json("configs");
  for (const auto& entry : list.at("entries")) {
    all += item(bold(entry.at("name").get<std::string>()), entry.at("about").get<std::string>());
  }
  return all;
}

std::string nccl_tests() {
  std::string all =
      ".SH OPTIONS OF NCCL-TESTS\n" + prose("Accepted where they ask for what runs anyway; else what to do instead.");
  for (const auto& option : nccl_tests_options()) {
    std::string text =
        option.same.empty() ? "never"
        : option.same == "*"
            ? "any value"
            : fmt::format("{}{}{}", option.same, option.with_note.empty() ? "" : ", with a note ", option.with_note);
    if (!option.instead.empty()) text += fmt::format("; {}", option.instead);
    all += item(term_of(option.letter, option.name.empty() ? "" : option.flag_name(), ""), sentence(text));
  }
  return replaced(all, "\\fR, \n", "\\fR\n");
}

}  // namespace

std::string man_page() {
  std::string page = fmt::format(
      ".\\\" Written by scripts/generate_docs.sh from the tables of options and commands.\n"
      ".TH SYMMBENCH 1 {} \"symmbench {}\" \"User Commands\"\n.SH NAME\n"
      "symmbench \\- prove, measure and explain GPU allreduce workspaces\n.SH SYNOPSIS\n"
      "{} {} {} [{}]\n.br\n{} {} [{}]\n.SH DESCRIPTION\n",
      kDate, kVersion, bold("mpirun -n"), italic("RANKS"), bold("symmbench run"), italic("options"), bold("symmbench"),
      italic("COMMAND"), italic("options"));
  page += prose(
      "Do allreduce workspaces work, stay working and run fast on this fabric, and which allocator should back them? "
      "symmbench builds them under several allocator modes, runs plain and fused allreduce kernels over message sizes, "
      "proves the results that it timed, survives and explains failures, and writes one JSON report. The emulated "
      "device "
      "(--device host) needs no GPU, runs only when it is asked for, and says nothing about speed.");
  page += ".SH COMMANDS\n";
  for (const auto& command : command_table()) page += command_section(command);
  page += ".SS symmbench help\n" + bold("symmbench help") + " [" + italic("COMMAND") + "]\n.PP\n" +
          prose("What --help prints, of the tool or of a command.");
  page += ".SH OPTIONS OF RUN AND PLAN\n";
  for (const auto group : {OptionGroup::select, OptionGroup::shape, OptionGroup::measure, OptionGroup::stability,
                           OptionGroup::device, OptionGroup::output}) {
    page += fmt::format(".SS {}\n", plain(title_of(group)));
    for (const auto& spec : option_table()) {
      if (spec.group == group) page += option_item(spec);
    }
  }
  page += nccl_tests() + shipped() + ".SH EXIT STATUS\nOf " + bold("symmbench run") + ":\n";
  for (const auto& command : command_table()) {
    if (command.name == "run") page += exit_codes(command.exit_codes);
  }
  page += ".SH ENVIRONMENT\n";
  for (const Variable& variable : kEnvironment) page += item(bold(variable.name), sentence(variable.meaning));
  return page + files() + examples() + ".SH SEE ALSO\n\\fBmpirun\\fR(1)\n.PP\n" +
         prose(
             "The pages in app/docs: reading a report, configuration files, tuning, limits, launchers, CI, "
             "troubleshooting.");
}

}  // namespace symmbench

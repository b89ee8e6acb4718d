#include "app/progress.hpp"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace symmbench;

TEST_CASE("progress is rewritten on the terminal there is, and lines go to stderr where there is none") {
  const auto place = [](bool out, bool err) { return progress_place(ProgressSetting::automatic, out, err); };
  CHECK(place(true, true).form == ProgressForm::in_place);
  CHECK(place(true, true).descriptor == STDERR_FILENO);
  // mpirun gives ranks a terminal for stdout only.
  CHECK(place(true, false).form == ProgressForm::in_place);
  CHECK(place(true, false).descriptor == STDOUT_FILENO);
  CHECK(place(false, false).form == ProgressForm::lines);
  CHECK(place(false, false).descriptor == STDERR_FILENO);
  CHECK(progress_place(ProgressSetting::off, true, true).form == ProgressForm::none);
}

TEST_CASE("progress says how many rows are done and how long the others will take") {
  CHECK(progress_text(0, 40, 3, 0) == "preparing, 3 s");
  CHECK(progress_text(10, 40, 30, 20) == "10 of 40 rows, about 1:00 min left");
  CHECK(progress_text(39, 40, 99, 78) == "39 of 40 rows, about 2 s left");
  CHECK(progress_text(40, 40, 100, 80) == "40 of 40 rows, then lifecycles and the report");
}

TEST_CASE("a progress that is over is gone from the terminal, whether it was shown or not") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  {
    Progress progress({ProgressForm::in_place, ends[1]});
    progress.plan(3);
    progress.row_done();
    progress.clear();
    progress.finish();
  }
  ::close(ends[1]);
  std::string written;
  for (char byte = 0; ::read(ends[0], &byte, 1) == 1;) written += byte;
  CHECK((written.empty() || written.ends_with("\r\033[K")));
  ::close(ends[0]);
}

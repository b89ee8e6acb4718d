#include "app/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>

#include "core/unique_fd.hpp"

using namespace symmbench;

TEST_CASE("a line may be as wide as COLUMNS says, else as the terminal is, else 100") {
  CHECK(line_width({}, nullptr) == 100);
  CHECK(line_width({.watched = true, .columns = 80}, nullptr) == 80);
  CHECK(line_width({.watched = true, .columns = 80}, "132") == 132);
  CHECK(line_width({}, "80") == 80);
  for (const char* nonsense : {"", "wide", "80x", "-1", "0", "3"}) CHECK(line_width({}, nonsense) == 100);
}

TEST_CASE("colour is for terminals with a width, and for nobody who refuses it") {
  const Terminal real{.watched = true, .columns = 80}, none{}, of_mpirun{.watched = true, .columns = 0};
  CHECK(shows_colour(real, nullptr, "xterm"));
  CHECK(shows_colour(real, "", nullptr));
  CHECK_FALSE(shows_colour(real, "1", "xterm"));
  CHECK_FALSE(shows_colour(real, nullptr, "dumb"));
  CHECK_FALSE(shows_colour(none, nullptr, "xterm"));
  CHECK_FALSE(shows_colour(of_mpirun, nullptr, "xterm"));
}

TEST_CASE("behind a pipe is no terminal; behind a terminal is its width") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);
  CHECK_FALSE(terminal_behind(writer.get()).watched);
  const UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY));
  REQUIRE(master);
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  const UniqueFd slave(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY));
  winsize size{};
  size.ws_col = 77;
  REQUIRE(::ioctl(slave.get(), TIOCSWINSZ, &size) == 0);
  CHECK(terminal_behind(slave.get()).watched);
  CHECK(terminal_behind(slave.get()).columns == 77);
}

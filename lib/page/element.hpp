#pragma once
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace symmbench {

/// A new last child of `parent`, with text. Whatever the text holds is shown as it is (clean_text()), never as markup.
pugi::xml_node add(pugi::xml_node parent, const char* name, std::string_view text = "");
/// The same with a class of the page's style.
pugi::xml_node add_styled(pugi::xml_node parent, const char* name, std::string_view style, std::string_view text = "");

void set(pugi::xml_node node, const char* attribute, std::string_view value);
void set(pugi::xml_node node, const char* attribute, double value);  ///< with one decimal

/// A cell of a table: text, and a class of the page's style or none.
struct PageCell {
  std::string text;
  std::string style = {};
};

/// A table below its titles; rows as wide as these.
class PageTable {
 public:
  PageTable(pugi::xml_node parent, const std::vector<std::string>& titles);
  void add_row(const std::vector<PageCell>& cells);

 private:
  pugi::xml_node body_;
};

}  // namespace symmbench

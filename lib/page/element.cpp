#include "page/element.hpp"

#include <fmt/format.h>

#include "report/clean_text.hpp"

namespace symmbench {

pugi::xml_node add(pugi::xml_node parent, const char* name, std::string_view text) {
  pugi::xml_node node = parent.append_child(name);
  if (!text.empty()) node.text().set(clean_text(text).c_str());
  return node;
}

pugi::xml_node add_styled(pugi::xml_node parent, const char* name, std::string_view style, std::string_view text) {
  pugi::xml_node node = add(parent, name, text);
  if (!style.empty()) set(node, "class", style);
  return node;
}

void set(pugi::xml_node node, const char* attribute, std::string_view value) {
  node.append_attribute(attribute).set_value(clean_text(value).c_str());
}

void set(pugi::xml_node node, const char* attribute, double value) {
  node.append_attribute(attribute).set_value(fmt::format("{:.1f}", value).c_str());
}

PageTable::PageTable(pugi::xml_node parent, const std::vector<std::string>& titles) {
  pugi::xml_node table = add(add_styled(parent, "div", "wide"), "table");
  pugi::xml_node head = add(add(table, "thead"), "tr");
  for (const auto& title : titles) add(head, "th", title);
  body_ = add(table, "tbody");
}

void PageTable::add_row(const std::vector<PageCell>& cells) {
  pugi::xml_node row = add(body_, "tr");
  for (const auto& [text, style] : cells) add_styled(row, "td", style, text);
}

}  // namespace symmbench

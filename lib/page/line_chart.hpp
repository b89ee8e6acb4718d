#pragma once
#include <pugixml.hpp>
#include <string>
#include <vector>

namespace symmbench {

/// A point of a curve, with the interval that its value may lie in; low and high equal to y: none is known.
struct ChartPoint {
  double x = 0, y = 0, low = 0, high = 0;
};

struct ChartCurve {
  std::string name;
  std::vector<ChartPoint> points;
  bool dashed = false;  ///< of a reference
};

/// Message sizes in bytes, to the right, against times in microseconds, upwards, both by their logarithm.
struct LineChart {
  std::string title;
  std::vector<ChartCurve> curves;
};

/// Draws it as an <svg> below `parent`, with a legend; each point says its size and time when it is pointed at. Points that
/// are not above zero are left out. Of fewer than two sizes nothing is drawn.
void draw(pugi::xml_node parent, const LineChart& chart);

}  // namespace symmbench

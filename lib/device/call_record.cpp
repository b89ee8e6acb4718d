#include "device/call_record.hpp"

namespace symmbench {

void run_recorded(CallRecord& record, const CallBody& body) {
  try {
    body();
  } catch (const Error& error) {
    record.failure = error.failure();
    throw;
  }
}

}  // namespace symmbench

#include <algorithm>
#include <chrono>
#include <string>

#include "http/problem.h"

namespace mbr::http {
namespace {

struct Row {
  int status;
  const char* code;
  const char* detail;  // what the client reads
};

Row rowOf(Code code) {
  switch (code) {
    case Code::kInvalid:
      return {400, "invalid_request", "The request is not valid."};
    case Code::kDenied:
      return {403, "scope", "This caller is not allowed to do that."};
    case Code::kNotFound:
      return {404, "not_found", "There is nothing of that name."};
    case Code::kConflict:
      return {409, "conflict", "The current state does not allow it: read again, then decide."};
    case Code::kBusy:
      return {503, "busy", "There is no room right now: try again later."};
    case Code::kUnavailable:
      return {503, "unavailable", "Something the service needs is down: try again later."};
    case Code::kInternal:
      break;
  }
  return {500, "internal", "The service made a mistake; its log knows this request's id."};
}

}  // namespace

std::string retryAfterSeconds(Milliseconds wait) {
  return std::to_string(std::max<Milliseconds::rep>(1, (wait.count() + 999) / 1000));
}

Response errorResponse(std::string_view requestId, const Error& error) {
  const Row row = rowOf(error.code);
  const bool forTheSender = error.code == Code::kInvalid && !error.detail.empty();
  Response response = problemFor(requestId, row.status, row.code,
                                 forTheSender ? std::string_view(error.detail) : row.detail);
  if (error.code == Code::kBusy || error.code == Code::kUnavailable) {
    response.with("Retry-After", retryAfterSeconds(error.retryAfter.value_or(Milliseconds{0})));
  }
  return response;
}

}  // namespace mbr::http

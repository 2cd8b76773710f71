#include "http/problem.h"

namespace mbr::http {
std::string_view reasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

namespace {}  // namespace

Response problemFor(std::string_view requestId, int status, std::string_view code,
                    std::string_view detail, const json::Object& extra) {
  json::Object body{{"type", "about:blank"}, {"title", reasonPhrase(status)},
                    {"status", status},      {"code", code},
                    {"detail", detail},      {"request_id", requestId}};
  for (const auto& [name, value] : extra.members()) body.set(name, value);
  Response response;
  response.status = status;
  response.contentType = "application/problem+json";
  response.body = json::write(body);
  return response;
}

Response problem(const Request& request, int status, std::string_view code, std::string_view detail,
                 const json::Object& extra) {
  return problemFor(request.requestId, status, code, detail, extra);
}

Response jsonResponse(int status, const json::Value& body) {
  Response response;
  response.status = status;
  response.body = json::write(body);
  return response;
}

}  // namespace mbr::http

// Requests and answers without sockets, and the encodings of a query string.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acsim {

// Parameters in the order sent. As in PHP, the last of equal names wins.
class Query {
 public:
  Query() = default;
  explicit Query(std::string_view encoded);

  std::optional<std::string> find(std::string_view name) const;
  std::string get(std::string_view name, std::string otherwise = "") const;
  long number(std::string_view name, long otherwise) const;

  // Every value of `name`, `name[]` and `name[0]`.
  std::vector<std::string> all(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

struct Request {
  std::string method;
  std::string target;              // as sent, with the query
  std::string path;                // without the query
  std::vector<std::string> parts;  // the path below the prefix, decoded
  Query query;
  std::string body;
  std::string base;  // scheme and host, for links
};

struct Answer {
  int status = 200;
  std::string body;
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
};

Answer json(int status, std::string body);

// `{"message":"..."}`
Answer message(int status, std::string_view text);

// One entry of the `{"errors":[...]}` family; empty parts but `detail` are left out.
struct ErrorEntry {
  std::string title, detail, code, error, pointer;
  int status = 0;
};
Answer errors(int status, const ErrorEntry& entry);

// 404 `No Result found for NOUN with id N`.
Answer noResult(std::string_view noun, long id);

// What an unknown route or method gets.
Answer notFound();
Answer notAllowed();

std::string urlDecode(std::string_view text);
// As PHP's urlencode: `+` for a blank, upper-case hex.
std::string urlEncode(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string lower(std::string text);

}  // namespace acsim

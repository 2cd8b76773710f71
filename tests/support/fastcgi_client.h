// A FastCGI client that writes its records itself, so that it can also write wrong ones.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mbr::test {

using FastCgiParams = std::vector<std::pair<std::string, std::string>>;

enum class Record : unsigned char { kBegin = 1, kAbort = 2, kEnd = 3, kParams = 4, kStdin = 5 };

// The bytes of one record, of a whole stream with its empty last record, and of a whole request.
std::string recordBytes(Record type, std::string_view content);
std::string beginBytes(bool keepConnection, int role = 1);
std::string paramsBytes(const FastCgiParams& params);
std::string stdinBytes(std::string_view body);
std::string requestBytes(const FastCgiParams& params, std::string_view body,
                         bool keepConnection = true);

// What nginx sends for a request; CONTENT_LENGTH fits `bodySize`.
FastCgiParams paramsFor(const std::string& method, const std::string& uri,
                        std::size_t bodySize = 0);

struct FastCgiReply {
  bool ended = false;  // END_REQUEST came; if not, the connection was closed
  int status = 0;      // 0: no answer
  std::map<std::string, std::string> headers;  // by lower-case name
  std::string body;
  std::string raw;  // all of STDOUT
};

// One connection. One thread at a time. Waits at most 20 s for anything.
class FastCgiClient {
 public:
  // Throws std::runtime_error if nobody listens.
  explicit FastCgiClient(const std::string& socketPath);
  ~FastCgiClient();
  FastCgiClient(const FastCgiClient&) = delete;
  FastCgiClient& operator=(const FastCgiClient&) = delete;

  // False if the server closed the connection.
  bool send(std::string_view bytes) const;
  void endSending() const;  // the server reads an end of file
  FastCgiReply receive();
  FastCgiReply request(const FastCgiParams& params, std::string_view body = {},
                       bool keepConnection = true);

  // Waits for the server to close the connection. False if bytes come instead.
  bool isClosed();

 private:
  bool readMore();

  int fd_ = -1;
  std::string buffered_;
};

}  // namespace mbr::test

#include "support/fastcgi_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace mbr::test {
namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kMaxContentBytes = 65535;
constexpr unsigned char kStdout = 6;

char byteOf(std::size_t value, int shift = 0) { return static_cast<char>(value >> shift & 0xFF); }

std::size_t byteAt(std::string_view bytes, std::size_t index) {
  return static_cast<unsigned char>(bytes[index]);
}

void appendLength(std::string& out, std::size_t length) {
  if (length < 128) {
    out.push_back(byteOf(length));
    return;
  }
  for (const int shift : {24, 16, 8, 0}) {
    out.push_back(byteOf(length | (shift == 24 ? 0x80000000U : 0U), shift));
  }
}

std::string streamBytes(Record type, std::string_view content) {
  std::string out;
  while (!content.empty()) {
    const auto part = content.substr(0, kMaxContentBytes);
    out += recordBytes(type, part);
    content.remove_prefix(part.size());
  }
  return out + recordBytes(type, {});
}

void parseAnswer(FastCgiReply& reply) {
  const auto end = reply.raw.find("\r\n\r\n");
  if (end == std::string::npos) return;
  reply.body = reply.raw.substr(end + 4);
  std::string_view head = std::string_view(reply.raw).substr(0, end + 2);
  while (!head.empty()) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    reply.headers[name] = line.substr(colon + 2);
  }
  reply.status = std::atoi(reply.headers["status"].c_str());
}

}  // namespace

std::string recordBytes(Record type, std::string_view content) {
  std::string out;
  out.push_back(1);  // version
  out.push_back(static_cast<char>(type));
  out.push_back(0);
  out.push_back(1);  // request id
  out.push_back(byteOf(content.size(), 8));
  out.push_back(byteOf(content.size()));
  out.append(2, '\0');  // padding, reserved
  out += content;
  return out;
}

std::string beginBytes(bool keepConnection, int role) {
  std::string content(8, '\0');
  content[1] = static_cast<char>(role);
  content[2] = keepConnection ? 1 : 0;
  return recordBytes(Record::kBegin, content);
}

std::string paramsBytes(const FastCgiParams& params) {
  std::string content;
  for (const auto& [name, value] : params) {
    appendLength(content, name.size());
    appendLength(content, value.size());
    content += name;
    content += value;
  }
  return streamBytes(Record::kParams, content);
}

std::string stdinBytes(std::string_view body) { return streamBytes(Record::kStdin, body); }

std::string requestBytes(const FastCgiParams& params, std::string_view body, bool keepConnection) {
  return beginBytes(keepConnection) + paramsBytes(params) + stdinBytes(body);
}

FastCgiParams paramsFor(const std::string& method, const std::string& uri, std::size_t bodySize) {
  const auto question = std::min(uri.find('?'), uri.size());
  return {{"REQUEST_METHOD", method},
          {"REQUEST_URI", uri},
          {"DOCUMENT_URI", uri.substr(0, question)},
          {"QUERY_STRING", question < uri.size() ? uri.substr(question + 1) : ""},
          {"CONTENT_LENGTH", bodySize == 0 ? "" : std::to_string(bodySize)},
          {"REMOTE_ADDR", "192.0.2.1"}};
}

FastCgiClient::FastCgiClient(const std::string& socketPath)
    : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socketPath.copy(address.sun_path, sizeof address.sun_path - 1);
  timeval limit{};
  limit.tv_sec = 20;
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(fd_);
    throw std::runtime_error("cannot connect to " + socketPath);
  }
}

FastCgiClient::~FastCgiClient() { close(fd_); }

bool FastCgiClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void FastCgiClient::endSending() const { shutdown(fd_, SHUT_WR); }

FastCgiReply FastCgiClient::receive() {
  FastCgiReply reply;
  while (!reply.ended) {
    while (buffered_.size() < kHeaderBytes) {
      if (!readMore()) return parseAnswer(reply), reply;
    }
    const std::size_t length = byteAt(buffered_, 4) * 256 + byteAt(buffered_, 5);
    const std::size_t whole = kHeaderBytes + length + byteAt(buffered_, 6);
    while (buffered_.size() < whole) {
      if (!readMore()) return parseAnswer(reply), reply;
    }
    const auto type = byteAt(buffered_, 1);
    if (type == kStdout) reply.raw.append(buffered_, kHeaderBytes, length);
    reply.ended = type == static_cast<std::size_t>(Record::kEnd);
    buffered_.erase(0, whole);
  }
  parseAnswer(reply);
  return reply;
}

FastCgiReply FastCgiClient::request(const FastCgiParams& params, std::string_view body,
                                    bool keepConnection) {
  send(requestBytes(params, body, keepConnection));
  return receive();
}

bool FastCgiClient::isClosed() {
  char byte = 0;
  return buffered_.empty() && recv(fd_, &byte, 1, 0) == 0;
}

bool FastCgiClient::readMore() {
  char bytes[16384];
  const auto got = recv(fd_, bytes, sizeof bytes, 0);
  if (got <= 0) return false;
  buffered_.append(bytes, static_cast<std::size_t>(got));
  return true;
}

}  // namespace mbr::test

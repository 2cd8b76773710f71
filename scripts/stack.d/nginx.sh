# shellcheck shell=bash disable=SC2154
#
# nginx with the shipped files, their four paths moved below `dir`, on `port`.
# Needs process.sh, free_port and write_env.

write_site() {
  mkdir -p "$dir/site/members" "$dir/nginx/conf.d" "$dir/nginx/snippets" "$dir/nginx/log" "$dir/nginx/tmp"
  cat >"$dir/site/index.html" <<HTML
<!doctype html><html lang="en"><title>A membership site</title>
<h1>A membership site</h1><p>This page is the site's own; Membergate answers beside it.</p></html>
HTML
  cat >"$dir/site/members/index.html" <<HTML
<!doctype html><html lang="en"><title>Members only</title>
<h1>Members only</h1><p>You see this because the rule <code>members</code> admits you.</p></html>
HTML
  cp /etc/nginx/fastcgi_params "$dir/nginx/fastcgi_params"
  local file
  for file in conf.d/membergate.conf snippets/membergate{,-gate,-gate-cached,-gated}.conf; do
    sed -e "s|/run/membergate/fcgi.sock|$dir/fcgi.sock|g" \
      -e "s|/run/membergate/shed.sock|$dir/shed.sock|g" \
      -e "s|/var/log/nginx/|$dir/nginx/log/|g" \
      -e "s|/etc/nginx/fastcgi_params|$dir/nginx/fastcgi_params|g" \
      "$root/nginx/$file" >"$dir/nginx/$file"
  done
  local user="" limit
  [[ $UID -ne 0 ]] || user="user root root;"
  cat >"$dir/nginx/nginx.conf" <<NGINX
$user
pid $dir/nginx.pid;
error_log $dir/nginx/log/error.log warn;
worker_processes auto;
events { worker_connections 4096; }
http {
  default_type text/html;
  client_body_temp_path $dir/nginx/tmp/body;
  fastcgi_temp_path $dir/nginx/tmp/fastcgi;
  proxy_temp_path $dir/nginx/tmp/proxy;
  uwsgi_temp_path $dir/nginx/tmp/uwsgi;
  scgi_temp_path $dir/nginx/tmp/scgi;
  include $dir/nginx/conf.d/membergate.conf;
  server {
    listen 127.0.0.1:$port backlog=4096;
    include $dir/nginx/snippets/membergate.conf;
    include $dir/nginx/snippets/membergate-gate.conf;
    access_log $dir/nginx/log/access.log membergate_combined;
    root $dir/site;
    location / { try_files \$uri \$uri/ =404; }
    # Closed to everyone until the configuration has a rule.members.
    location ^~ /members/ {
      set \$membergate_rule members;
      include $dir/nginx/snippets/membergate-gated.conf;
      try_files \$uri \$uri/ =404;
    }
  }
}
NGINX
  while read -r limit; do apply_limit "$limit"; done <"$dir/limits"
}

apply_limit() {
  local zone file rate burst
  case "$1" in
    webhooks=*) zone='membergate_webhooks_[a-z]*_v[0-9]*' ;;
    login=* | api=* | pages=*) zone="membergate_${1%%=*}_v[0-9]*" ;;
    off) zone='[a-z0-9_]*' ;;
  esac
  file=$dir/nginx/snippets/membergate.conf
  if [[ $1 == off || $1 == *=off ]]; then
    sed -i "/^ *limit_req  *zone=$zone /d" "$file"
    return
  fi
  rate=${1#*=}
  if [[ $rate == */* ]]; then
    burst=${rate#*/} rate=${rate%/*}
    sed -i "/^ *limit_req  *zone=$zone /s/burst=[0-9]*/burst=$burst/" "$file"
  fi
  sed -i "/zone=$zone:/s|rate=[0-9]*r/s|rate=${rate}r/s|" "$dir/nginx/conf.d/membergate.conf"
}

nginx_files() { cat "$dir"/nginx/{nginx.conf,fastcgi_params,conf.d/*,snippets/*} 2>/dev/null | cksum; }

start_nginx() {
  local before attempt attempts=1
  before=$(nginx_files || true)
  write_site
  if pid_of nginx >/dev/null && [[ $before == "$(nginx_files)" ]]; then return; fi
  finish nginx
  [[ $port_is_ours == no ]] || attempts=3
  for ((attempt = 0; attempt < attempts; attempt++)); do
    if [[ $attempt -gt 0 ]]; then
      free_port >"$dir/nginx.port"
      port=$(<"$dir/nginx.port")
      write_site
    fi
    started+=(nginx)
    if nginx -e "$dir/nginx/log/error.log" -p "$dir/nginx" -c "$dir/nginx/nginx.conf" \
        </dev/null >"$dir/nginx/log/start.log" 2>&1 9>&-; then
      write_env
      return
    fi
  done
  give_up "nginx did not start on port $port" "$dir/nginx/log/start.log"
}

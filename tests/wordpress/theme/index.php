<?php
// Shows who the visitor is and what the plugin's functions say of him.
$user = wp_get_current_user();
$contact = membergate_contact();
?><!doctype html>
<html lang="en">
<title><?php bloginfo('name'); ?></title>
<link rel="stylesheet" href="<?php echo esc_url(get_stylesheet_uri()); ?>">
<h1><?php is_page() ? the_title() : bloginfo('name'); ?></h1>
<p id="visitor"><?php echo $user->exists() ? esc_html("$user->display_name, " . implode(' ', $user->roles)) : 'nobody'; ?></p>
<p id="contact"><?php echo is_array($contact) ? esc_html($contact['email']) : (is_wp_error($contact) ? 'unknown' : 'none'); ?></p>
<p id="gold"><?php echo membergate_has_tag(null, 'gold') ? 'has Gold' : 'has no Gold'; ?></p>
<p id="logout"><?php wp_loginout(home_url('/')); ?></p>
</html>

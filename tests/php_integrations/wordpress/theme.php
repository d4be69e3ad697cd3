<!DOCTYPE html><html><head><?php wp_head(); ?></head><body>
<?php
while (have_posts()) {
    the_post();
    the_title('<h1>', '</h1>');
    the_content();
}
$called = getenv('SITE_CALLED');
if ($called) echo 'called ', wp_remote_retrieve_body(wp_remote_get("http://user:secret@127.0.0.1:$called/"));
if (isset($_GET['fails'])) wp_remote_get('http://127.0.0.1:1/nothing');
if (isset($_GET['breaks'])) $GLOBALS['wpdb']->suppress_errors() || $GLOBALS['wpdb']->query("SELEC 'secret'");
if (isset($_GET['leaves'])) exit('left');
wp_footer();
?>
</body></html>

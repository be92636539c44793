"""Everything that the command line and the web can do, each as one function; both faces are thin."""

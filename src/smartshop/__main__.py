from smartshop.cli import main

main()

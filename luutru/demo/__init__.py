"""Two made-up sites on loopback, shaped like the real ones, for the real spiders to crawl.

The city of Vàm Sen, the province of Sông Trăng, their people and their figures are invented.
"""

"""Providers: servers that are asked how a video is doing, and what their answers mean."""

from django.urls import path

from toguna.engines.territory import search_views

urlpatterns = [path("search", search_views.search, name="search")]
